/**
 * Moves the log to the stream while this worker holds the lease of the stream. A worker that cannot do it gives the lease to another one.
 *
 *   lease ──► a session: from the end of the stream on ──► an error: the lease is given up for a while ──► …
 */
import { performance } from '../clock.ts'
import { every } from '../worker/every.ts'
import { Gate } from '../worker/gate.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { RelaySession, type SessionParts } from './relay-session.ts'
import { BEAT_MS, StreamLease } from './stream-lease.ts'

/** A worker that could not relay lets the others try for this long. */
const STANDS_BACK_MS = 3_000

export interface RelayParts extends Omit<SessionParts, 'lease' | 'news' | 'over'> {
  onFailed(error: unknown): void
}

export class Relay {
  readonly #parts: RelayParts
  readonly #lease: StreamLease
  readonly #over = new AbortController()
  readonly #news = new Gate()
  #session: RelaySession | null = null
  #standsBackUntil = -Infinity
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: RelayParts) {
    this.#parts = parts
    this.#lease = new StreamLease(parts.relays, parts.settings.stream)
  }

  /** The present life of the Postgres server, as of the last heartbeat. */
  get serverLife(): string | null {
    return this.#lease.serverLife
  }

  start(): void {
    this.#work = Promise.all([this.#keepLease(), this.#keepRelaying()])
  }

  /** There may be new events. */
  wake(): void {
    this.#news.open()
  }

  async close(): Promise<void> {
    this.#over.abort()
    this.#news.open()
    await this.#work
    await this.#lease.leave()
  }

  async #keepLease(): Promise<void> {
    const beat = async () => {
      await this.#lease.beat({
        number: this.#session?.number ?? null,
        mayTake: performance.now() >= this.#standsBackUntil,
      })
      this.#news.open()
    }
    await beat().catch(() => undefined) // the next one comes in a second
    await every(BEAT_MS, beat, this.#over.signal)
  }

  async #keepRelaying(): Promise<void> {
    const { signal } = this.#over
    const delays = retryDelays(signal)
    let isAgain = false
    while (!signal.aborted) {
      if (!this.#lease.isOurs) {
        await this.#news.wait(null)
        continue
      }
      const session = new RelaySession({ ...this.#parts, lease: this.#lease, news: this.#news, over: signal }, isAgain)
      this.#session = session
      try {
        await session.run()
        isAgain = false
        delays.reset()
      } catch (error) {
        isAgain = true
        if (signal.aborted) return
        this.#parts.onFailed(error)
        if (!session.hasWorked) await this.#standBack()
        await delays.next()
      } finally {
        this.#session = null
      }
    }
  }

  /** Another worker may reach the broker. If there is none, this one takes the lease again. */
  async #standBack(): Promise<void> {
    this.#standsBackUntil = performance.now() + STANDS_BACK_MS
    await this.#lease.leave()
  }
}
