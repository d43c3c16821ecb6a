/**
 * Decides which publish runs next in a transaction. While handlers run inside a publish, under its savepoint, another publish in the same
 * transaction would land under that savepoint by accident, so it waits. A publish by one of these handlers belongs there.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** One publish whose handlers are running. */
interface Frame {
  /** The transaction, and the client's transaction object for its savepoint, if there is one. */
  readonly txs: Set<object>
  readonly around: Frame | undefined
  isOver: boolean
  /** Resolves when all publishes made inside this one so far have ended. */
  inner: Promise<unknown>
}

export class PublishTurns {
  readonly #inside = new AsyncLocalStorage<Frame>()
  /** The last publish with handlers in each transaction. Absent while no handler runs in the transaction. */
  readonly #outermost = new WeakMap<object, Promise<unknown>>()

  /** Runs a publish without handlers; at once, if no handlers run in this transaction. */
  next<Result>(tx: object, work: () => Promise<Result>): Promise<Result> {
    const frame = this.#frameOf(tx)
    if (frame) return this.#after(frame, work)
    const last = this.#outermost.get(tx)
    return last ? last.then(work) : work()
  }

  /**
   * Runs a publish with handlers. Nothing else publishes in its transaction meanwhile, except these handlers. `work` calls `enter` with the
   * transaction object that the handlers get, if it is another one.
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

  /** Call it after the handlers have returned, before their savepoint ends: it waits for publishes that the handlers did not await. */
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

  /** The innermost publish of this transaction that runs around the caller. */
  #frameOf(tx: object): Frame | undefined {
    let frame = this.#inside.getStore()
    while (frame && (frame.isOver || !frame.txs.has(tx))) frame = frame.around
    return frame
  }
}

function settled(running: Promise<unknown>): Promise<unknown> {
  return running.catch(() => undefined)
}
