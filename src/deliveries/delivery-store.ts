/** What a worker needs of a backend. The Postgres backend has one (`backends/postgres/`); a worker knows only this. */
import type { ClaimBounds, Claimed, ClaimedDelivery, Settled, Settlement } from './delivery.ts'

/** A worker process as others see it. */
export interface WorkerRecord {
  readonly id: string
  readonly queues: readonly string[]
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

export interface Indexed {
  /** How many events were indexed. */
  readonly events: number
  /** There may be more to index right now. */
  readonly more: boolean
}

/** What a worker does with stored deliveries. Every change names a claim, so a lost claim changes nothing. */
export interface DeliveryStore {
  /** Refuses to work with a missing or outdated schema, or with queues that are missing or of the wrong kind. */
  prepare(queues: readonly string[]): Promise<void>
  /** Takes up to `limit` deliveries that are due. */
  claim(queue: string, limit: number, bounds?: ClaimBounds): Promise<Claimed>
  /** Ends attempts. */
  settle(queue: string, settlements: readonly Settlement[]): Promise<Settled>
  /** Says that we are alive and still working on these. Returns the ids that are still ours. */
  keep(queue: string, claims: readonly ClaimedDelivery[]): Promise<ReadonlySet<string>>
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
  /** Vacuums what deliveries have left behind, if that is worth it. Returns what it did; null if nothing. */
  vacuum(): Promise<Vacuumed | null>
  /** Calls `onWake` when something was published to a queue, until closed. Survives lost connections. */
  listen(onWake: (queues: readonly string[] | 'all') => void): { close(): Promise<void> }
  /** Announces this process, and says goodbye. */
  announce(worker: WorkerRecord): Promise<void>
  leave(workerId: string): Promise<void>
}
