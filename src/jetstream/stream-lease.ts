/**
 * Decides which worker copies the log to the stream. Its owner counts a heartbeat every second. If another worker sees the same count for 8 s, by its
 * own clock, it takes the lease. An old owner that is still running can do no damage: see `stream-writer.ts`.
 */
import { randomUUID } from 'node:crypto'
import { performance } from '../clock.ts'
import type { RelayLease, RelayStore } from '../deliveries/log-engine.ts'

export const BEAT_MS = 1_000
const DEAD_AFTER_MS = 8_000

interface Beat {
  readonly number?: number | null
  readonly mayTake?: boolean
}

export class StreamLease {
  readonly #relays: RelayStore
  readonly #stream: string
  readonly #me = randomUUID()
  #seen: RelayLease | null = null
  /** When the count of heartbeats last changed. */
  #movedAt = -Infinity
  #isOurs = false

  constructor(relays: RelayStore, stream: string) {
    this.#relays = relays
    this.#stream = stream
  }

  get isOurs(): boolean {
    return this.#isOurs
  }

  /** The present life of the Postgres server, as of the last heartbeat. */
  get serverLife(): string | null {
    return this.#seen?.serverLife ?? null
  }

  /**
   * Sends a heartbeat, if the lease is ours. Takes the lease, if it is free and `mayTake` is true. `number`: every event up to it is in the stream;
   * `null`: unknown.
   */
  async beat({ number = null, mayTake = true }: Beat = {}): Promise<void> {
    const before = this.#seen
    const lease = await this.#relays.beat(this.#stream, this.#me, number)
    const now = performance.now()
    if (lease.beat !== before?.beat || lease.owner !== before.owner) this.#movedAt = now
    this.#seen = lease
    const isFree = lease.owner === null || now - this.#movedAt >= DEAD_AFTER_MS
    const isOurs = lease.owner === this.#me
    this.#isOurs = isOurs || (isFree && mayTake && (await this.#relays.take(this.#stream, this.#me, lease)))
  }

  /** Returns the id of the stream's row in the database, and the life of the server from which the stream was filled. */
  async known(): Promise<Pick<RelayLease, 'id' | 'life'>> {
    return this.#relays.beat(this.#stream, this.#me, null)
  }

  async leave(): Promise<void> {
    this.#isOurs = false
    await this.#relays.leave(this.#stream, this.#me).catch(() => undefined) // another worker takes it after 8 s
  }
}
