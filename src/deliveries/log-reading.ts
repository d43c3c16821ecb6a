/**
 * The part of a backend by which a worker reads the log for handlers with `delivery: 'log'`. Handlers and queues have their
 * stored names here.
 */
import type { AnyHandler } from '../handlers/handler.ts'
import type { DeliveryMode } from '../handlers/log-delivery.ts'
import type { Ending, PassedAs, StoredEvent } from './delivery.ts'

/** In a wake-up, this word among the names of queues means that there is something to read in the log. No queue can have this name. */
export const LOG_WORD = '#log'

/** Names a cursor: it marks how far one shard of a handler has come. A shard is a part of the handler's keys. */
export interface CursorName {
  readonly handler: string
  readonly shard: number
}

/** A cursor that this worker owns while its fence is unchanged. */
export interface OwnedCursor extends CursorName {
  readonly position: number
  readonly fence: number
  /** How many workers in a row have died while they owned it, without moving it. */
  readonly deaths: number
}

/** A worker that reads the log, and the count of its beats. */
export interface LogReader {
  readonly id: string
  readonly beat: number
  readonly handlers: readonly string[]
}

/** The state that a worker receives with each of its beats. */
export interface LogBeat {
  readonly handlers: readonly LogSubscription[]
  readonly cursors: readonly (OwnedCursor & { readonly owner: string | null })[]
  readonly readers: readonly LogReader[]
  readonly pauses: readonly { readonly kind: string; readonly name: string }[]
}

/** How far the log may be read. The fields `final`, `gap` and `heldBy` are passed to the next look. */
export interface LogLook {
  /** Every event up to this seq is final. */
  readonly final: number
  /** If there is a gap: the seq up to which it may still be filled, by the transactions in `heldBy`. */
  readonly gap: number | null
  readonly heldBy: readonly string[] | null
  /** The last seq that a publisher has taken. */
  readonly taken: number
  /** Identifies the present life of the server. It changes after a crash. */
  readonly life: string | null
}

/** What a reader knows before its first look. */
export const NOTHING_KNOWN: LogLook = Object.freeze({ final: 0, gap: null, heldBy: null, taken: 0, life: null })

/** A handler's entry among the readers of the log. */
export interface LogSubscription {
  readonly handler: string
  readonly shards: number
  /** Events up to this seq were published before the handler existed. */
  readonly historyTo: number
  /** The id of that history; handlers see it as a replay id. */
  readonly historyId: string
  readonly mode: DeliveryMode
  /** Whether the handler is changing its mode or its number of shards. */
  readonly isChanging: boolean
  /** After a change of shards: the position of each old shard. Events up to it were handled already. */
  readonly floors: readonly number[] | null
  /** Events after `zoneFrom`, up to and including `zoneTo`, may have a delivery. `zoneTo` is `null` while the end is not known. */
  readonly zoneFrom: number | null
  readonly zoneTo: number | null
  /** Readers release a shard when it has been read up to this seq. */
  readonly endsAt: number | null
  /** `true`: readers release all shards now. */
  readonly isReleasing: boolean
}

/** The part of the log to read. */
export interface LogPiece {
  readonly after: number
  readonly upTo: number
  readonly most: number
  /** Only the `wanted` shards, of `of` shards in all; `null`: all. */
  readonly shards: { readonly of: number; readonly wanted: readonly number[] } | null
  /** Only events of these types, by their stored names; `null`: all. */
  readonly types: readonly string[] | null
}

/** An event of the log. */
export interface LogEvent extends StoredEvent {
  readonly number: number
  /** The hash of its partition key, or of its id if it has no key. The shard is this hash modulo the number of shards. */
  readonly hash: number
  readonly publishedAt: number
}

/** How far a cursor moves, and what is written about the events that it passes. */
export interface LogMove {
  readonly cursor: CursorName & { readonly fence: number }
  readonly from: number
  readonly to: number
  /**
   * Events that become jobs: events that wait behind others, and (`isHeld`) events that still run in this worker, or whose run was not a success.
   */
  readonly jobs: readonly { readonly seq: number; readonly isHeld: boolean; readonly replay: string | null }[]
  /** How held jobs have ended. */
  readonly ended: readonly { readonly seq: number; readonly inLane: boolean; readonly end: Ending }[]
  /** For a transactional handler: ids of deliveries that it may have completed. From now on the cursor records that they are complete. */
  readonly completed: readonly string[]
  /** Events that were neither handled nor became jobs. */
  readonly passed: readonly { readonly seq: number; readonly as: PassedAs; readonly reason: string }[]
}

/** A partition key with live deliveries. */
export interface LiveLane {
  readonly name: string
  readonly shard: number
}

/** A delivery of an event whose handler reads the log. */
export interface Delivered {
  /** `null` when the delivery has ended. */
  readonly queue: string | null
  readonly id: string
  readonly isHeld: boolean
}

/** A job that is not due until the owner of its shard lets it into its lane. */
export interface HeldJob {
  readonly handler: string
  readonly queue: string
  readonly id: string
  readonly number: number
  readonly partitionKey: string | null
  readonly hash: number
}

export interface LogStore {
  /** Returns the id that a delivery of the event to this handler has, or would have. */
  deliveryId(seq: string, handler: string): string
  /**
   * Returns the subscriptions of these handlers, in the same order; `null` for a handler that has deliveries. Creates the cursors of new handlers
   * with `delivery: 'log'`: at the end of the log, or where their backfill begins. With `fromTheStart`, at the beginning of the log.
   */
  prepare(
    handlers: readonly AnyHandler[],
    how?: { readonly fromTheStart?: boolean },
  ): Promise<readonly (LogSubscription | null)[]>
  /** Takes the next step of a handler's change, if it can be taken. Returns whether a step was taken. */
  change(handler: string): Promise<boolean>
  /** Finds which of these events have, or had, a delivery for this handler. */
  delivered(handler: AnyHandler, events: readonly LogEvent[]): Promise<ReadonlyMap<number, Delivered>>
  /** Reports that a worker is alive, and returns the present state. */
  beat(reader: string, handlers: readonly string[]): Promise<LogBeat>
  /**
   * Takes up to `wanted` free cursors of a handler. First it frees the cursors of the readers in `dead`, except of readers
   * that have sent a beat meanwhile.
   */
  take(reader: string, handler: string, wanted: number, dead: readonly LogReader[]): Promise<readonly OwnedCursor[]>
  /** Returns the keys of these shards that have live deliveries at this moment. */
  lanesOf(
    handler: AnyHandler,
    shards: { readonly of: number; readonly wanted: readonly number[] },
  ): Promise<readonly LiveLane[]>
  /** Returns which of these keys of a handler have live deliveries at this moment. */
  liveOf(handler: AnyHandler, keys: readonly string[]): Promise<ReadonlySet<string>>
  /** Returns the numbers of later events that a transactional handler has completed, and its cursors have not passed. */
  completedAfter(handler: string, after: number): Promise<readonly number[]>
  release(reader: string, cursors: readonly (CursorName & { readonly fence: number })[]): Promise<void>
  leave(reader: string): Promise<void>
  look(known: LogLook): Promise<LogLook>
  read(piece: LogPiece): Promise<readonly LogEvent[]>
  /** Returns the events with these numbers, in order. Leaves out events that are deleted. */
  numbered(numbers: readonly number[]): Promise<readonly LogEvent[]>
  /** Returns the event with the present names of its type and of the handler that caused it. */
  shown(event: LogEvent): LogEvent
  /**
   * Returns the indexes of the moves whose cursors this worker still owned. Writes nothing for the others. `life`: the life of the server in which the
   * events were read; `null`: unknown. If the server has crashed since, writes nothing at all.
   */
  acknowledge(reader: string, moves: readonly LogMove[], life?: string | null): Promise<ReadonlySet<number>>
  /** Returns the held jobs of these handlers. */
  held(handlers: readonly AnyHandler[]): Promise<readonly HeldJob[]>
  /** Makes held jobs due. */
  admit(jobs: readonly Pick<HeldJob, 'queue' | 'id'>[]): Promise<void>
}
