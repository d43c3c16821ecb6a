/** What a worker needs of a backend. The Postgres backend has one (`backends/postgres/`); a worker knows only this. */
import type { Completions } from './own-commits.ts'
import type { ClaimBounds, Claimed, ClaimedDelivery, Settled, Settlement, StoredEvent } from './delivery.ts'
import type { LogStore } from './log-reading.ts'
import type { Heartbeats } from './heartbeats.ts'
import type { PaceStore } from './pace.ts'
import type { RateCounts } from './rates.ts'
import type { Codec } from '../codec/codec.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Registry } from '../handlers/registry.ts'

/** A worker process as others see it. */
export interface WorkerRecord {
  readonly id: string
  /** With how many handlers it runs at once in each. */
  readonly queues: ReadonlyMap<string, number>
  readonly handlers: readonly string[]
}

/** What a vacuum has found and left, in dead rows. */
export interface Vacuumed {
  readonly dead: number
  readonly left: number
}

/** A claim whose heartbeat was not of that moment when a worker looked. */
export interface SilentClaim {
  readonly queue: string
  readonly id: string
  /** Together with the heartbeat it says whether anything has happened since. */
  readonly claim: string
  readonly beat: string
}

/** What a worker knows when it looks for claims whose worker is silent. */
export interface Looking {
  /** What it has seen before, and looks at again. */
  readonly watched: readonly SilentClaim[]
  /** Those of them that are to be taken over, unless something has happened since. */
  readonly lost: ReadonlySet<SilentClaim>
  /** When it looked last, as the database has said; `null`: never, or too long ago. */
  readonly lookedAt: number | null
  /** Whether to look for claims however long they have been silent. */
  readonly all: boolean
}

export interface Look {
  /** Something was in the way, or the look came too late: heartbeats may be held up too. Nothing was taken over. */
  readonly isDelayed: boolean
  /** By the database's clock, in seconds. */
  readonly at: number
  readonly silent: readonly SilentClaim[]
  readonly recovered: readonly Recovered[]
}

/** Deliveries that were taken over from workers which are gone. */
export interface Recovered {
  readonly queue: string
  readonly count: number
}

export interface Pruning {
  /** How long an event stays after its last delivery has finished. */
  readonly retentionMs: number
  /** Nothing happens when some worker has pruned within this time. */
  readonly everyMs: number
}

export interface Pruned {
  /** How many events are gone. */
  readonly events: number
  /** There may be more to prune right now. */
  readonly more: boolean
}

/** A handler that is to be given what was published before it was there. */
export interface Backfilling {
  readonly handler: AnyHandler
  readonly registry: Registry
  readonly codec: Codec
}

/**
 * What one step of a backfill has come to: there is `more` to do at once; it `waits`, for what is published, for workers, or because another worker does it; it
 * has `ended` with this step; it is `done`, and was before.
 */
export type Backfilled = 'more' | 'waits' | 'ended' | 'done'

export interface Indexed {
  /** How many events were indexed. */
  readonly events: number
  /** There may be more to index right now. */
  readonly more: boolean
}

/** What became of a handler's attempts since they were handed over last. Durations stand in buckets: see `histogram.ts`. */
export interface HandlerCounts extends RateCounts {
  readonly handler: string
  readonly runMs: readonly number[]
  readonly latencyMs: readonly number[]
}

/** What a worker does with stored deliveries. Every change names a claim, so a lost claim changes nothing. */
export interface DeliveryStore {
  /**
   * Refuses to work with a missing or outdated schema, or with queues that are missing or of the wrong kind. Deliveries of the
   * handlers that are `shadows` come without their payload; those of the `transactional` ones are settled with what they have committed.
   */
  prepare(queues: readonly string[], shadows?: readonly string[], transactional?: readonly string[]): Promise<void>
  /** Takes up to `limit` deliveries that are due. */
  claim(queue: string, limit: number, bounds?: ClaimBounds): Promise<Claimed>
  /** Ends attempts. */
  settle(queue: string, settlements: readonly Settlement[]): Promise<Settled>
  /** The payload of an event that came without it; `null` when the event is gone. */
  payloadOf(event: StoredEvent): Promise<string | null>
  /**
   * For a delivery that runs: the newest event of its type that waits in its lane; `null` if there is none. Those between the two are ended, as
   * superseded.
   */
  supersede(delivery: ClaimedDelivery): Promise<string | null>
  /** What became of an event at each handler that is through with it. */
  deliveriesOf(event: StoredEvent): Promise<readonly EndedDelivery[]>
  /** Makes due the finishers of events whose end no settle has seen: an operator's act, say. */
  finish(): Promise<void>
  /** Says that we are alive and still working on these. Returns the ids that are still ours. */
  keep(queue: string, claims: readonly ClaimedDelivery[]): Promise<ReadonlySet<string>>
  /** Makes what keeps a worker's claims while its event loop stands still. `onUnavailable` hears, once, why that cannot be. */
  heartbeats?(queues: readonly string[], onUnavailable: (why: string) => void): Promise<Heartbeats>
  /** Which of these queues have anything to claim. */
  due(queues: readonly string[]): Promise<readonly string[]>
  /**
   * Looks in all queues for claims whose worker is silent, and takes over those that are `lost`. Repairs some lanes that stand
   * still for no reason.
   */
  recover(looking: Looking): Promise<Look>
  /** Deletes some events that are not needed any more, with their deliveries. For all queues; of several callers one works. */
  prune(how: Pruning): Promise<Pruned>
  /** Indexes the next events of the log, so that they can be looked up. Of several callers one works. */
  index(): Promise<Indexed>
  /** Adds to what is counted of this minute. */
  count(counts: readonly HandlerCounts[]): Promise<void>
  /** Vacuums what deliveries have left behind, if that is worth it. Returns what it did; null if nothing. */
  vacuum(): Promise<Vacuumed | null>
  /** One step of a handler's backfill. For all workers; of several callers one works. */
  backfill(backfilling: Backfilling): Promise<Backfilled>
  /** Makes due what waits for the backfill of a handler, as if that were done. */
  ungate(handler: AnyHandler): Promise<void>
  /** What processes agree on about the pace of handlers. */
  readonly pace: PaceStore
  /** For handlers whose effects and completion are one commit. */
  readonly completions: Completions
  /** Reading the log, for handlers that do. */
  readonly log: LogStore
  /** Calls `onWake` when something was published to a queue, until closed. Survives lost connections. */
  listen(onWake: (queues: readonly string[] | 'all') => void): { close(): Promise<void> }
  /** Announces this process, and says goodbye. */
  announce(worker: WorkerRecord): Promise<void>
  leave(workerId: string): Promise<void>
}
