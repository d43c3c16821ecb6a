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
   * Frees deliveries whose worker has not been heard of, of all queues, and returns how many of which. Repairs some lanes
   * that stand still for no reason.
   */
  recover(): Promise<readonly Recovered[]>
  /** Deletes some events that are not needed any more, with their deliveries. For all queues; of several callers one works. */
  prune(how: Pruning): Promise<Pruned>
  /** Vacuums what deliveries have left behind, if that is worth it. Returns what it did; null if nothing. */
  vacuum(): Promise<Vacuumed | null>
  /** Calls `onWake` when something was published to a queue, until closed. Survives lost connections. */
  listen(onWake: (queues: readonly string[] | 'all') => void): { close(): Promise<void> }
  /** Announces this process, and says goodbye. */
  announce(worker: WorkerRecord): Promise<void>
  leave(workerId: string): Promise<void>
}
