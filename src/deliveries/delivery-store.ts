/**
 * The part of a backend that a worker uses. The Postgres backend implements it (`backends/postgres/`); a worker knows
 * only this interface.
 */
import type { Completions } from './own-commits.ts'
import type { ClaimBounds, Claimed, ClaimedDelivery, Settled, Settlement, StoredEvent } from './delivery.ts'
import type { RelayStore } from './log-engine.ts'
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
  /** The queues, each with the number of handlers that the worker runs at once in it. */
  readonly queues: ReadonlyMap<string, number>
  readonly handlers: readonly string[]
}

/** How many dead rows a vacuum found, and how many it left. */
export interface Vacuumed {
  readonly dead: number
  readonly left: number
}

/** A claim whose heartbeat was too old or in the future when a worker looked. */
export interface SilentClaim {
  readonly queue: string
  readonly id: string
  /** If the claim and the heartbeat (`beat`) are unchanged, nothing has happened to the delivery since. */
  readonly claim: string
  readonly beat: string
}

/** What a worker passes when it looks for claims whose worker is silent. */
export interface Looking {
  /** The silent claims that it saw before, to be looked at again. */
  readonly watched: readonly SilentClaim[]
  /** The watched claims to take over now, if they are still unchanged. */
  readonly lost: ReadonlySet<SilentClaim>
  /** When it looked last, by the database's clock; `null`: never, or too long ago. */
  readonly lookedAt: number | null
  /** `true`: look for all silent claims, not only for claims that fell silent recently. */
  readonly all: boolean
}

export interface Look {
  /** `true`: a lock was in the way, or the look came too late. Heartbeats may be delayed too, so nothing was taken over. */
  readonly isDelayed: boolean
  /** By the database's clock, in seconds. */
  readonly at: number
  readonly silent: readonly SilentClaim[]
  readonly recovered: readonly Recovered[]
}

/** How many deliveries of a queue were taken over from workers that are gone. */
export interface Recovered {
  readonly queue: string
  readonly count: number
}

export interface Pruning {
  /** How long an event stays after its last delivery has finished. */
  readonly retentionMs: number
  /** Nothing happens if any worker has pruned within this time. */
  readonly everyMs: number
}

export interface Pruned {
  /** How many events were deleted. */
  readonly events: number
  /** There may be more to prune right now. */
  readonly more: boolean
}

/** A handler that gets events which were published before the handler existed. */
export interface Backfilling {
  readonly handler: AnyHandler
  readonly registry: Registry
  readonly codec: Codec
}

/**
 * The result of one step of a backfill. `more`: there is more to do at once. `waits`: it waits for new events, for workers to catch up, or because
 * another worker does the backfill. `ended`: this step completed it. `done`: it was complete before.
 */
export type Backfilled = 'more' | 'waits' | 'ended' | 'done'

export interface Indexed {
  /** How many events were indexed. */
  readonly events: number
  /** There may be more to index right now. */
  readonly more: boolean
}

/** Counts of what became of a handler's attempts, since the counts were written last. Durations are in buckets: see `histogram.ts`. */
export interface HandlerCounts extends RateCounts {
  readonly handler: string
  readonly runMs: readonly number[]
  readonly latencyMs: readonly number[]
}

/**
 * What a worker does with stored deliveries. Every change to a delivery names its claim, so a worker that lost the
 * claim changes nothing.
 */
export interface DeliveryStore {
  /**
   * Refuses to work with a missing or outdated schema, or with queues that are missing or of the wrong kind. Deliveries of the handlers
   * in `shadows` come without their payload. For handlers in `transactional`, a settle also removes the record of what they have
   * committed.
   */
  prepare(queues: readonly string[], shadows?: readonly string[], transactional?: readonly string[]): Promise<void>
  /** Takes up to `limit` deliveries that are due. */
  claim(queue: string, limit: number, bounds?: ClaimBounds): Promise<Claimed>
  /** Ends attempts. */
  settle(queue: string, settlements: readonly Settlement[]): Promise<Settled>
  /** Returns the payload of an event that came without it; `null` when the event is gone. */
  payloadOf(event: StoredEvent): Promise<string | null>
  /**
   * For a running delivery: returns the newest event of its type that waits in its lane; `null` if there is none. The deliveries between the
   * two end as superseded.
   */
  supersede(delivery: ClaimedDelivery): Promise<string | null>
  /** Returns what became of an event, for each handler that has finished with it. */
  deliveriesOf(event: StoredEvent): Promise<readonly EndedDelivery[]>
  /** Makes due the finishers of events that ended without a settle, for example by an operator's act. */
  finish(): Promise<void>
  /** Tells the database that this worker is still working on these claims. Returns the ids of the deliveries whose claims it still has. */
  keep(queue: string, claims: readonly ClaimedDelivery[]): Promise<ReadonlySet<string>>
  /**
   * Creates what keeps a worker's claims while its event loop is blocked. If that is impossible, `onUnavailable` is called
   * once with the reason.
   */
  heartbeats?(queues: readonly string[], onUnavailable: (why: string) => void): Promise<Heartbeats>
  /** Returns the queues of this list that have anything to claim. */
  due(queues: readonly string[]): Promise<readonly string[]>
  /**
   * Looks in all queues for claims whose worker is silent, and takes over the claims in `looking.lost`. Repairs some lanes
   * that are stuck for no reason.
   */
  recover(looking: Looking): Promise<Look>
  /**
   * Deletes some events that are not needed any more, with their deliveries, in all queues. If several workers call it, one
   * does the work.
   */
  prune(how: Pruning): Promise<Pruned>
  /** Indexes the next events of the log, so that they can be looked up. If several workers call it, one does the work. */
  index(): Promise<Indexed>
  /** Adds these counts to the counts of the present minute. */
  count(counts: readonly HandlerCounts[]): Promise<void>
  /** Vacuums the table of deliveries, if that is worth it. Returns what it did; `null` if it did nothing. */
  vacuum(): Promise<Vacuumed | null>
  /** Does one step of a handler's backfill. If several workers call it, one does the work. */
  backfill(backfilling: Backfilling): Promise<Backfilled>
  /** Makes the deliveries due that wait for a handler's backfill, as if the backfill were done. */
  ungate(handler: AnyHandler): Promise<void>
  /** The pace of handlers, on which all processes agree. */
  readonly pace: PaceStore
  /** For handlers whose effects and completion are one commit. */
  readonly completions: Completions
  /** For handlers that read the log. */
  readonly log: LogStore
  /** For the relay of an engine. */
  readonly relays: RelayStore
  /** Calls `onWake` when something was published to a queue, until it is closed. Survives lost connections. */
  listen(onWake: (queues: readonly string[] | 'all') => void): { close(): Promise<void> }
  /** Announces this worker to the others as alive; `leave` takes it off the list. */
  announce(worker: WorkerRecord): Promise<void>
  leave(workerId: string): Promise<void>
}
