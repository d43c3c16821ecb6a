/**
 * Copies the log to the stream while this worker has the lease for it. A worker that fails gives up the lease, so that another worker can try.
 *
 *   lease ──► session: copy the log to the stream ──► error: give up the lease for a while ──► …
 */
import { performance } from '../clock.ts'
import { every } from '../worker/every.ts'
import { Gate } from '../worker/gate.ts'
import { retryDelays } from '../worker/retry-delays.ts'
import { RelaySession, type SessionParts } from './relay-session.ts'
import { BEAT_MS, StreamLease } from './stream-lease.ts'

/** After a failure, a worker does not take the lease for this long. */
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

  /** Another worker may be able to reach NATS. If no other worker takes the lease, this one takes it again. */
  async #standBack(): Promise<void> {
    this.#standsBackUntil = performance.now() + STANDS_BACK_MS
    await this.#lease.leave()
  }
}
