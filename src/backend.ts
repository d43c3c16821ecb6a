/**
 * Where envelopes go. The bus decides who receives an event; a backend stores it and sees to it that they do.
 *
 * - `postgres` (`backends/postgres/`): the real one. Durable, transactional, worked on by worker processes.
 * - `inline` (`backends/inline.ts`): runs the handlers before `publish` returns, and keeps nothing. For seeds, scripts and
 *   integration tests. Nothing is retried: an error reaches the publisher.
 * - `mailbox` (`backends/mailbox.ts`): remembers the events and calls nobody. For tests of what is published; the testing
 *   module builds on it.
 *
 * All of them refuse the same events and give handlers and readers a copy that went through the codec, so that what would
 * be lost in the database is lost in memory too. `test/conformance/backends.test.ts` holds them to that.
 *
 * A worker needs more of a backend than a publisher does: that part is `DeliveryStore`.
 */
import type { Envelope } from './envelope.ts'
import type { PublishedEvent } from './publish.ts'
import type { AnyHandler } from './handler.ts'
import type { Transaction } from './transaction.ts'

/** An event about to be stored, with the handlers that are to receive it. */
export interface PlannedEvent {
  readonly envelope: Envelope
  readonly handlers: readonly AnyHandler[]
  /** The envelope's data, encoded. */
  readonly payload: string
}

export interface Backend {
  /** Stores events and their deliveries, in order, inside `tx` if given. Answers one entry per event. */
  publish(events: readonly PlannedEvent[], tx: Transaction | undefined): Promise<readonly PublishedEvent[]>
  /** Checks that what the backend needs is there and fits this version of the code. */
  check(): Promise<void>
  /** Lets go of connections. The backend cannot be used afterwards. */
  close(): Promise<void>
  /** Set when no event has receivers here, so that one without handlers is nothing to warn about. */
  readonly callsNobody?: boolean
}

/** One delivery that this process has claimed for one attempt. */
export interface ClaimedDelivery {
  readonly id: string
  readonly queue: string
  readonly handler: string
  /** Together with `id` it names this claim, and no later one. */
  readonly claim: number
  /** Counted from 1; claims that were given back do not count. */
  readonly attempt: number
  /** What is stored of the event, or `null` when it is gone. */
  readonly event: StoredEvent | null
}

export interface StoredEvent {
  readonly seq: string
  readonly id: string
  readonly type: string
  readonly version: number
  readonly partitionKey: string | null
  readonly payload: string
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly source: string | null
  readonly metadata: Envelope['metadata']
  readonly occurredAt: Date
  readonly expiresAt: Date | null
}

/** One failed attempt, as it is stored: sanitised and capped. */
export interface AttemptError {
  readonly attempt: number
  readonly at: string
  readonly code: string | null
  readonly message: string
  readonly stack: string | null
}

/** What a claim has brought. */
export interface Claimed {
  readonly deliveries: readonly ClaimedDelivery[]
  /** There may be more to claim right now. */
  readonly more: boolean
  /** Handlers of which something is left that may only be claimed when one of their slots is free. */
  readonly heldBack: readonly string[]
  /**
   * Soon there may be something to claim of which nobody hears: someone was committing to this queue when the claim began,
   * and may have woken nobody; or the claim could not see everything at one moment.
   */
  readonly lookAgain: boolean
}

/** How many deliveries of a handler a claim may bring. `null`: no limit of that kind. */
export interface HandlerRoom {
  readonly handler: string
  /** What is free in this process. */
  readonly free: number | null
  /** How many may run in all processes together. */
  readonly cluster: number | null
}

/** What a finished attempt means for its delivery. */
export type Settlement = {
  readonly delivery: ClaimedDelivery
  /** Claim the next delivery of its lane, if one is due, in the same round trip. */
  readonly takeNext?: boolean
} & (
  | { readonly is: 'done' }
  | { readonly is: 'retry'; readonly delayMs: number; readonly error: AttemptError }
  | { readonly is: 'later'; readonly delayMs: number }
  | {
      readonly is: 'dead'
      readonly reason: string
      readonly error: AttemptError | null
      readonly onDead: 'skip' | 'block'
    }
)

/** What settling has brought. */
export interface Settled {
  /** The ids of those that were still ours. */
  readonly ours: ReadonlySet<string>
  /** The next deliveries of their lanes, claimed for us, each by the id of the one it follows. */
  readonly next: ReadonlyMap<string, ClaimedDelivery>
  /** A lane has a next delivery that is due and was not asked for. */
  readonly more: boolean
}

/** A worker process as others see it. */
export interface WorkerRecord {
  readonly id: string
  readonly queues: readonly string[]
  readonly handlers: readonly string[]
}

export interface Pruning {
  /** How long an event stays after everyone is done with it. */
  readonly retentionMs: number
  /** Nothing happens when somebody has pruned within this time. */
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
  /** Takes up to `limit` deliveries that are due, and of the handlers in `rooms` no more than these allow. */
  claim(queue: string, limit: number, rooms?: readonly HandlerRoom[]): Promise<Claimed>
  /** Ends attempts. */
  settle(queue: string, settlements: readonly Settlement[]): Promise<Settled>
  /** Says that we are alive and still working on these. Answers the ids that are still ours. */
  keep(queue: string, claims: readonly ClaimedDelivery[]): Promise<ReadonlySet<string>>
  /** Frees deliveries whose worker has not been heard of, and answers how many. Repairs some lanes that stand still for no reason. */
  recover(queue: string): Promise<number>
  /** Deletes some events that nobody needs any more, with their deliveries. For all queues; of several callers one works. */
  prune(how: Pruning): Promise<Pruned>
  /** Calls `onWake` when something was published to a queue, until closed. Survives lost connections. */
  listen(onWake: (queues: readonly string[] | 'all') => void): { close(): Promise<void> }
  /** Announces this process, and says goodbye. */
  announce(worker: WorkerRecord): Promise<void>
  leave(workerId: string): Promise<void>
}
