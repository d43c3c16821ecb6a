/** Lanes, and what an operator can do about a lane that is stuck: `bus.lanes`. */
import { z } from 'zod'
import { NAME } from '../names.ts'
import type { ActOptions, ActReport, PacedActOptions, PreviewedActOptions } from './acts.ts'
import type { AttemptError } from './delivery.ts'
import type { DeliveryState } from './delivery-state.ts'
import { pageFields, type PageOptions } from './page.ts'
import { storableText } from './storable-text.ts'

/** Names a lane: one handler's deliveries of one partition key. */
export interface LaneName {
  readonly handler: string
  readonly partitionKey: string
}

/**
 * The state of a lane's head, its first delivery:
 *
 * - `blocked`: it has died, and blocks its key as the handler's `onDead` says.
 * - `retrying`: it has run, and waits for its next attempt.
 * - `running`: its handler is running.
 * - `waiting`: it is due, or will be due.
 * - `awaiting`: it waits for a report of how it ended.
 */
export type LaneState = Extract<DeliveryState, 'blocked' | 'retrying' | 'running' | 'waiting' | 'awaiting'>

/** A lane in which a delivery waits, runs or blocks. Most fields describe its head. */
export interface Lane extends LaneName {
  readonly queue: string
  readonly state: LaneState
  /** The head's delivery. */
  readonly deliveryId: string
  readonly eventId: string | null
  readonly eventType: string | null
  /** When the head died, if it blocks the lane; otherwise when it was published. */
  readonly since: Date
  /** When the head's next attempt may begin; `null` when it is blocked. */
  readonly dueAt: Date | null
  /** The errors of the head's attempts, oldest first, at most the latest 20. */
  readonly errors: readonly AttemptError[]
  /** How many deliveries wait behind the head. */
  readonly behind: number
  /** `true`: the key, its handler or its queue is paused, so no delivery of the lane begins. */
  readonly isPaused: boolean
}

/** Selects lanes: all given fields must match. Leave a field out instead of setting it to undefined. */
export interface LaneFilter {
  readonly handler?: string
  readonly state?: LaneState
}

export type LaneQuery = LaneFilter & PageOptions

/** A lane, and the event from which it runs again. */
export interface RewindTo extends LaneName {
  /** The id of an event of this key. */
  readonly from: string
}

/** Selects blocked lanes: by handler, by the error of the head (its code or name), or all. */
export type BlockedLanes =
  | { readonly handler: string; readonly error?: string; readonly all?: never }
  | { readonly error: string; readonly handler?: string; readonly all?: never }
  | { readonly all: true }

export interface LanePage {
  readonly lanes: readonly Lane[]
  /** Pass it to get the next page; `null` when this was the last one. */
  readonly cursor: string | null
}

/** `bus.lanes`: partition keys that are blocked or wait, and what an operator can do about them. */
export interface Lanes {
  /**
   * Lists lanes page by page: blocked lanes first, then the lanes whose head was published longest ago. Apart from blocked
   * lanes, it looks at the first 100,000 lanes of each queue. Changes nothing.
   *
   * @example
   * const { lanes } = await bus.lanes.list({ state: 'blocked' })
   * for (const { handler, partitionKey, behind } of lanes) console.log(handler, partitionKey, behind)
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, or a cursor of another list.
   */
  list(query?: LaneQuery): Promise<LanePage>
  /** Returns one lane, or `null` when none of its deliveries waits or runs. */
  show(lane: LaneName): Promise<Lane | null>
  /**
   * Makes the head due now. A head that blocks its lane gets all its attempts again.
   *
   * @example await bus.lanes.retry({ handler: 'stock.reserve', partitionKey: 'order-17' }, { by: 'ada' })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_LANE`, `POSTBUS_LANE_RUNS`.
   */
  retry(lane: LaneName, act?: ActOptions): Promise<ActReport>
  /**
   * Retries the heads of all blocked lanes that match, each with all its attempts; the deliveries behind them follow in order.
   * Use it when one bug has blocked a thousand keys, and is fixed. Each head has its own transaction, and is made due once per
   * call. If it is interrupted, call it again to go on.
   *
   * @example
   * const mended = { handler: 'stock.reserve', error: 'ECONNREFUSED' }
   * const { count } = await bus.lanes.retryAll(mended, { preview: true })
   * await bus.lanes.retryAll(mended, { ratePerSecond: 50, by: 'ada', reason: 'the store is back' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the selection is empty; for all, pass `{ all: true }`.
   */
  retryAll(which: BlockedLanes, act?: PacedActOptions): Promise<ActReport>
  /**
   * Makes the head a dead letter, so that the next delivery runs. The dead letter's reason says who skipped it and why. If the
   * head was already dead, it keeps the reason that it died of.
   *
   * @example await bus.lanes.skipHead({ handler: 'stock.reserve', partitionKey: 'order-17' }, { reason: 'cancelled by phone' })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_LANE`, `POSTBUS_LANE_RUNS`.
   */
  skipHead(lane: LaneName, act?: ActOptions): Promise<ActReport>
  /**
   * Runs this key again at this handler, from an event on. The handler gets the key's events in the order of publishing: events that are
   * done or dead run again, waiting events keep their turn, and later events follow. Other keys and handlers are not touched. Dismissed
   * dead letters stay dismissed. The handler gets no event that it never received: `interested` is not asked again.
   *
   * The key is paused meanwhile, and a running delivery gets up to 10 s to end. A key that was already paused stays paused. Returns how
   * many ended deliveries run again.
   *
   * @example
   * const lane = { handler: 'stock.reserve', partitionKey: 'order-17' }
   * await bus.lanes.rewind({ ...lane, from: event.id }, { by: 'ada', reason: 'wrong quantity since then' })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_EVENT`, `POSTBUS_UNKNOWN_HANDLER`; `POSTBUS_LANE_RUNS` when a running delivery does not end
   * in time; `POSTBUS_READS_THE_LOG` for a handler that reads the log; `POSTBUS_INVALID_OPTIONS` for a handler with `ordered: false`.
   */
  rewind(to: RewindTo, act?: PreviewedActOptions): Promise<ActReport>
  /**
   * For use after `skipHead`: rewinds the key to its oldest delivery that was skipped or has died, and is still a dead letter. Returns
   * a count of 0 when there is none.
   *
   * @example await bus.lanes.repair({ handler: 'stock.reserve', partitionKey: 'order-17' }, { by: 'ada' })
   * @throws {PostbusError} as `rewind`.
   */
  repair(lane: LaneName, act?: PreviewedActOptions): Promise<ActReport>
  /**
   * Pauses this key at this handler until `resume`: no delivery of it begins; a running delivery ends normally. The key need not have
   * deliveries yet. Other keys and handlers go on. Returns a count of 0 when it was paused already.
   *
   * @example await bus.lanes.pause({ handler: 'stock.reserve', partitionKey: 'order-17' }, { by: 'ada', reason: 'being recounted' })
   * @throws {PostbusError} `POSTBUS_UNKNOWN_HANDLER`.
   */
  pause(lane: LaneName, act?: ActOptions): Promise<ActReport>
  /** Ends a pause of the key; its deliveries go on in order. Returns a count of 0 when it was not paused. */
  resume(lane: LaneName, act?: ActOptions): Promise<ActReport>
}

const LANE_STATES = ['blocked', 'retrying', 'running', 'waiting', 'awaiting'] as const satisfies readonly LaneState[]

export const laneName = z.strictObject({ handler: z.string().regex(NAME), partitionKey: storableText(512) })
export const rewindTo = laneName.extend({ from: z.guid() })
export const laneQuery = z.strictObject({
  handler: z.string().regex(NAME).exactOptional(),
  state: z.enum(LANE_STATES).exactOptional(),
  ...pageFields,
})

export const blockedLanes = z
  .strictObject({
    handler: z.string().regex(NAME).exactOptional(),
    error: storableText(200).exactOptional(),
    all: z.literal(true).exactOptional(),
  })
  .refine(
    ({ all, ...filter }) => (all === true) !== Object.keys(filter).length > 0,
    'expected handler or error, or { all: true } alone for every blocked key',
  )
  .transform(({ all: _all, ...filter }) => filter)

/** A query that was checked, with its defaults. */
export type CheckedLaneQuery = z.output<typeof laneQuery>
