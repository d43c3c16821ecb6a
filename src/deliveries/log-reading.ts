/**
 * What a worker needs of a backend to read the log for handlers with `delivery: 'log'`. Handlers and queues stand here by the
 * names that are stored.
 */
import type { AnyHandler } from '../handlers/handler.ts'
import type { DeliveryMode } from '../handlers/log-delivery.ts'
import type { Ending, PassedAs, StoredEvent } from './delivery.ts'

/** Stands among the names of queues that something was published to: there is something to read. No queue can have this name. */
export const LOG_WORD = '#log'

/** A part of a handler's keys, and how far it has come. */
export interface CursorName {
  readonly handler: string
  readonly shard: number
}

/** A cursor that is ours for as long as its fence is this one. */
export interface OwnedCursor extends CursorName {
  readonly position: number
  readonly fence: number
  /** How many workers that had it have died, one after the other, without moving it. */
  readonly deaths: number
}

/** A worker that reads, and the count of its beats. */
export interface LogReader {
  readonly id: string
  readonly beat: number
  readonly handlers: readonly string[]
}

/** What a worker learns with each of its beats. */
export interface LogBeat {
  readonly handlers: readonly LogSubscription[]
  readonly cursors: readonly (OwnedCursor & { readonly owner: string | null })[]
  readonly readers: readonly LogReader[]
  readonly pauses: readonly { readonly kind: string; readonly name: string }[]
}

/** How far the log may be read, and what an answer has to be asked again with. */
export interface LogLook {
  /** Every event up to this seq is final. */
  readonly final: number
  /** A gap: who may still fill it, up to which seq. */
  readonly gap: number | null
  readonly heldBy: readonly string[] | null
  /** The last seq that was taken. */
  readonly taken: number
  /** The life of the server: another one after a crash. */
  readonly life: string | null
}

/** A handler, as the log knows it. */
export interface LogSubscription {
  readonly handler: string
  readonly shards: number
  /** Events up to this seq are from before the handler was there. */
  readonly historyTo: number
  /** Names that history, as a replay is named. */
  readonly historyId: string
  readonly mode: DeliveryMode
  /** Whether the handler is changing its mode or its number of shards. */
  readonly isChanging: boolean
  /** After a change of shards: the position of each old shard. Events up to it were handled already. */
  readonly floors: readonly number[] | null
  /** Events after `zoneFrom`, up to and including `zoneTo`, may have a delivery. `zoneTo` is `null` while the end is not known. */
  readonly zoneFrom: number | null
  readonly zoneTo: number | null
  /** Readers release a shard that has been read up to here. */
  readonly endsAt: number | null
  /** Readers release all shards now. */
  readonly isReleasing: boolean
}

/** A stretch of the log: which part of it to read. */
export interface LogPiece {
  readonly after: number
  readonly upTo: number
  readonly most: number
  /** Only these shards, of so many; `null`: all. */
  readonly shards: { readonly of: number; readonly wanted: readonly number[] } | null
  /** Only events of these types, by the names that are stored; `null`: all. */
  readonly types: readonly string[] | null
}

/** An event of the log. */
export interface LogEvent extends StoredEvent {
  readonly number: number
  /** Of its key, or of its id if it has none: modulo the number of shards it gives the shard. */
  readonly hash: number
  readonly publishedAt: number
}

/** How far a cursor moves, and what is written of the events that it passes. */
export interface LogMove {
  readonly cursor: CursorName & { readonly fence: number }
  readonly from: number
  readonly to: number
  /** Events that become jobs: those that wait behind others, and those that are `held`, whose run goes on here or has ended otherwise than well. */
  readonly jobs: readonly { readonly seq: number; readonly isHeld: boolean; readonly replay: string | null }[]
  /** What became of jobs that are held. */
  readonly ended: readonly { readonly seq: number; readonly inLane: boolean; readonly end: Ending }[]
  /** For a transactional handler: ids of deliveries that it may have completed. From now on the cursor records that they are complete. */
  readonly completed: readonly string[]
  /** Events that were neither handled nor became jobs. */
  readonly passed: readonly { readonly seq: number; readonly as: PassedAs; readonly reason: string }[]
}

/** A key with live deliveries. */
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

/** A job that waits to be let into its lane by the owner of its shard. */
export interface HeldJob {
  readonly handler: string
  readonly queue: string
  readonly id: string
  readonly number: number
  readonly partitionKey: string | null
  readonly hash: number
}

export interface LogStore {
  /** The id that a delivery of the event to this handler has, or would have. */
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
  /** Says that a worker lives, and what there is to know. */
  beat(reader: string, handlers: readonly string[]): Promise<LogBeat>
  /** Takes up to so many free cursors of a handler. Those `dead` are taken from first, unless they have beaten meanwhile. */
  take(reader: string, handler: string, wanted: number, dead: readonly LogReader[]): Promise<readonly OwnedCursor[]>
  /** The keys of these shards that have live deliveries, as of now. */
  lanesOf(
    handler: AnyHandler,
    shards: { readonly of: number; readonly wanted: readonly number[] },
  ): Promise<readonly LiveLane[]>
  /** Which of these keys of a handler have live deliveries, as of now. */
  liveOf(handler: AnyHandler, keys: readonly string[]): Promise<ReadonlySet<string>>
  /** The numbers of the events behind this one that a transactional handler has completed, and its cursors have not passed. */
  completedAfter(handler: string, after: number): Promise<readonly number[]>
  release(reader: string, cursors: readonly (CursorName & { readonly fence: number })[]): Promise<void>
  leave(reader: string): Promise<void>
  look(known: LogLook): Promise<LogLook>
  read(piece: LogPiece): Promise<readonly LogEvent[]>
  /** Returns which of the cursors were still ours, by their places in the list: what was said of the others is not written. */
  acknowledge(reader: string, moves: readonly LogMove[]): Promise<ReadonlySet<number>>
  /** Jobs of these handlers that are held. */
  held(handlers: readonly AnyHandler[]): Promise<readonly HeldJob[]>
  /** Makes held jobs due. */
  admit(jobs: readonly Pick<HeldJob, 'queue' | 'id'>[]): Promise<void>
}
