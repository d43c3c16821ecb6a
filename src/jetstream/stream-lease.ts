/**
 * Decides which worker relays. Workers beat every second; a worker whose count of heartbeats has not moved for 8 s, by the clock of another one, is
 * replaced. A worker that was replaced and lives on does no harm: see `stream-writer.ts`.
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
  /** When the count of heartbeats was seen to move. */
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

  /** Tells the database that the stream is filled up to this number (`null`: unknown), and takes the lease if it is free and that may be. */
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

  /** What the database knows about the stream: an id of its own, and the life of the server from which it was filled. */
  async known(): Promise<Pick<RelayLease, 'id' | 'life'>> {
    return this.#relays.beat(this.#stream, this.#me, null)
  }

  async leave(): Promise<void> {
    this.#isOurs = false
    await this.#relays.leave(this.#stream, this.#me).catch(() => undefined) // then another worker waits until we count as dead
  }
}
