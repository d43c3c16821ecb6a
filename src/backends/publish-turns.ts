/**
 * Whose turn it is to publish in a transaction. While handlers run inside a publish, under its savepoint, another publish in the same
 * transaction would end under that savepoint by accident; one that a handler makes itself belongs there.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** One publish whose handlers run. */
interface Frame {
  /** The transaction, and what its client calls the savepoint in it. */
  readonly txs: Set<object>
  readonly around: Frame | undefined
  isOver: boolean
  /** What was published inside of it so far. */
  inner: Promise<unknown>
}

export class PublishTurns {
  readonly #inside = new AsyncLocalStorage<Frame>()
  /** The last of each transaction; nothing, where no handler runs. */
  readonly #outermost = new WeakMap<object, Promise<unknown>>()

  /** Runs what publishes without handlers, at once if none run in this transaction. */
  next<Result>(tx: object, work: () => Promise<Result>): Promise<Result> {
    const frame = this.#frameOf(tx)
    if (frame) return this.#after(frame, work)
    const last = this.#outermost.get(tx)
    return last ? last.then(work) : work()
  }

  /**
   * Runs what has handlers, alone in its transaction, but for what they publish. `enter` is to be called with the transaction that they
   * are given, if that is another one.
   */
  alone<Result>(tx: object, work: (enter: (inner: object) => void) => Promise<Result>): Promise<Result> {
    const around = this.#frameOf(tx)
    const run = () => this.#run({ txs: new Set([tx]), around, isOver: false, inner: Promise.resolve() }, work)
    if (around) return this.#after(around, run)
    const last = this.#outermost.get(tx)
    const running = last ? last.then(run) : run()
    const ended = settled(running).finally(() => {
      if (this.#outermost.get(tx) === ended) this.#outermost.delete(tx)
    })
    this.#outermost.set(tx, ended)
    return running
  }

  #run<Result>(frame: Frame, work: (enter: (inner: object) => void) => Promise<Result>): Promise<Result> {
    return this.#inside.run(frame, () => work((inner) => frame.txs.add(inner)))
  }

  /** To be called when the handlers have returned, before their savepoint ends: what they have not awaited belongs to it. */
  async end(): Promise<void> {
    const frame = this.#inside.getStore()
    if (!frame) return
    for (let inner; inner !== frame.inner;) await (inner = frame.inner)
    frame.isOver = true
  }

  #after<Result>(frame: Frame, work: () => Promise<Result>): Promise<Result> {
    const running = frame.inner.then(work)
    frame.inner = settled(running)
    return running
  }

  /** The innermost publish of this transaction whose handlers run around the caller. */
  #frameOf(tx: object): Frame | undefined {
    let frame = this.#inside.getStore()
    while (frame && (frame.isOver || !frame.txs.has(tx))) frame = frame.around
    return frame
  }
}

function settled(running: Promise<unknown>): Promise<unknown> {
  return running.catch(() => undefined)
}
