/** How far handlers that read the log have come, and how an operator moves them: `bus.log`. */
import { z } from 'zod'
import type { ActOptions, ActReport } from './acts.ts'
import { storableText } from './storable-text.ts'

/** One handler that reads the log. */
export interface LogProgress {
  readonly handler: string
  readonly shards: number
  /** How many of its shards a worker is reading now. */
  readonly read: number
  /** Every event up to this number has been passed. */
  readonly position: string
  readonly lag: {
    /** How many events of the log its slowest shard has not passed yet. Counting stops at 100,000. */
    readonly events: number
    /** How long ago the oldest of these events was published. */
    readonly seconds: number
  }
  /** What the handler is changing to: `to log`, `to job`, or `to 32 shards`; `null` if it is not changing. */
  readonly change: string | null
  /** When the change took its last step. */
  readonly changingSince: Date | null
  /** When its slowest shard last moved. */
  readonly movedAt: Date
}

/** Which handler to move, and to which event. */
export interface LogMoveTo {
  readonly handler: string
  /** The id of the event that the handler gets next. */
  readonly to: string
}

export interface Log {
  /**
   * Lists the handlers that read the log, the furthest behind first.
   *
   * @example for (const { handler, lag } of await bus.log.list()) gauge(handler, lag.seconds)
   */
  list(): Promise<readonly LogProgress[]>
  /**
   * Moves a handler back: it gets the events of the log again, from this event on, in order. Deliveries that wait in lanes stay there.
   * Returns how many shards were moved.
   *
   * @example await bus.log.rewind({ handler: 'search.index', to: event.id }, { by: 'ada', reason: 'new mapping' })
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_EVENT`, `POSTBUS_UNKNOWN_HANDLER` when no handler of this name reads the log.
   */
  rewind(move: LogMoveTo, act?: ActOptions): Promise<ActReport>
  /**
   * Moves a handler forward, to an event or to the `end` of the log: the events in between are not handled. A shard that is already further
   * stays where it is. Returns how many shards were moved.
   *
   * @example await bus.log.skipTo({ handler: 'search.index', to: 'end' }, { by: 'ada', reason: 'the index is built elsewhere' })
   *
   * @throws {PostbusError} the same as `rewind`.
   */
  skipTo(move: LogMoveTo | { readonly handler: string; readonly to: 'end' }, act?: ActOptions): Promise<ActReport>
  /**
   * Deletes the cursors of a handler whose code is gone. Until then, events that these cursors have not passed are not pruned. If a handler of
   * that name is deployed later, it begins at the end of the log. Returns how many shards it had.
   *
   * @example await bus.log.forget({ handler: 'search.index' }, { by: 'ada', reason: 'the index was given up' })
   *
   * @throws {PostbusError} `POSTBUS_HANDLER_IN_USE` while a worker reads for it; `POSTBUS_UNKNOWN_HANDLER` when no handler of this name reads the log.
   */
  forget(handler: { readonly handler: string }, act?: ActOptions): Promise<ActReport>
}

export const logMoveTo = z.strictObject({ handler: storableText(128), to: z.uuid() })
export const logSkipTo = z.strictObject({ handler: storableText(128), to: z.union([z.uuid(), z.literal('end')]) })
export const logHandlerNamed = z.strictObject({ handler: storableText(128) })
