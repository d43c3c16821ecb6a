/** Consumes a queue until it is stopped, on a new connection when the old one was lost. */
import { safeTextOfError } from '../error-text.ts'
import type { Emit } from '../signals.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'

export class Consuming {
  readonly #options: SessionOptions
  readonly #emit: Emit
  readonly #over = new AbortController()
  #session: Session

  constructor(session: Session, options: SessionOptions, emit: Emit) {
    this.#session = session
    this.#options = options
    this.#emit = emit
  }

  /** Resolves after `close()`. */
  async run(): Promise<void> {
    for (;;) {
      const reason = await this.#session.ended
      if (this.#over.signal.aborted) return
      const text = `Messages of the queue "${this.#options.queue}" do not come any more: ${reason}. Trying again.`
      this.#emit('warn', 'consumer.lost', text, { queue: this.#options.queue })
      await this.#session.close()
      if (!(await this.#openAgain())) return
      const restored = `Messages of the queue "${this.#options.queue}" come again.`
      this.#emit('info', 'consumer.restored', restored, { queue: this.#options.queue })
    }
  }

  /** Takes no further message. */
  async cancel(): Promise<void> {
    this.#over.abort()
    await this.#session.cancel()
  }

  async close(): Promise<void> {
    this.#over.abort()
    await this.#session.close()
  }

  async #openAgain(): Promise<boolean> {
    const delays = retryDelays(this.#over.signal)
    while (!this.#over.signal.aborted) {
      await delays.next()
      const session = await openSession(this.#options).catch((error: unknown) => safeTextOfError(error))
      if (typeof session === 'string') continue
      this.#session = session
      if (!this.#over.signal.aborted) return true
      await session.close()
    }
    return false
  }
}
