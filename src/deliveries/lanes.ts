/** Lanes, and what an operator can do about one that stands still: `bus.lanes`. */
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
 * Where the head of a lane stands:
 *
 * - `blocked`: it has died, and the handler's `onDead` is `'block'`.
 * - `retrying`: it has run, and waits for its next attempt.
 * - `running`: its handler is running.
 * - `waiting`: it is due, or will be.
 * - `awaiting`: it waits for a report of how it ended.
 */
export type LaneState = Extract<DeliveryState, 'blocked' | 'retrying' | 'running' | 'waiting' | 'awaiting'>

/** A lane in which something waits or runs, by what stands at its head. */
export interface Lane extends LaneName {
  readonly queue: string
  readonly state: LaneState
  /** The head's delivery. */
  readonly deliveryId: string
  readonly eventId: string | null
  readonly eventType: string | null
  /** When the head died, if it blocks the lane; else when it was published. */
  readonly since: Date
  /** When the head's next attempt may begin; `null` when it is blocked. */
  readonly dueAt: Date | null
  /** The errors of the head's attempts, oldest first, at most the latest 20. */
  readonly errors: readonly AttemptError[]
  /** How many deliveries wait behind the head. */
  readonly behind: number
  /** The key, its handler or its queue is paused: nothing of it begins. */
  readonly isPaused: boolean
}

/** Narrows down which lanes are meant: everything given must match. A field that is given must not be undefined. */
export interface LaneFilter {
  readonly handler?: string
  readonly state?: LaneState
}

export type LaneQuery = LaneFilter & PageOptions

/** A lane, and the event from which on it is to run again. */
export interface RewindTo extends LaneName {
  /** The id of an event of this key. */
  readonly from: string
}

/** Whose blocked heads are meant: by handler, by what they died of (an error's code or name), or all. */
export type BlockedLanes =
  | { readonly handler: string; readonly error?: string; readonly all?: never }
  | { readonly error: string; readonly handler?: string; readonly all?: never }
  | { readonly all: true }

export interface LanePage {
  readonly lanes: readonly Lane[]
  /** For the next page; `null` when this was the last one. */
  readonly cursor: string | null
}

/** `bus.lanes`: keys that stand still or wait, and what an operator can do about them. */
export interface Lanes {
  /**
   * Blocked lanes first, then those whose head was published longest ago, page by page. Beside the blocked ones it looks at
   * the first 100,000 lanes of each queue. Changes nothing.
   *
   * @example
   * const { lanes } = await bus.lanes.list({ state: 'blocked' })
   * for (const { handler, partitionKey, behind } of lanes) console.log(handler, partitionKey, behind)
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, or a cursor of another list.
   */
  list(query?: LaneQuery): Promise<LanePage>
  /** One lane, or `null` when nothing of it waits or runs. */
  show(lane: LaneName): Promise<Lane | null>
  /**
   * Makes the head due now; one that blocks its lane gets all its attempts again.
   *
   * @example await bus.lanes.retry({ handler: 'stock.reserve', partitionKey: 'order-17' }, { by: 'ada' })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_LANE`, `POSTBUS_LANE_RUNS`.
   */
  retry(lane: LaneName, act?: ActOptions): Promise<ActReport>
  /**
   * Retries the heads of all blocked lanes that match, each with all its attempts; what waits behind them follows in order.
   * For the day after: one bug has blocked a thousand keys, and is mended. Each head is a transaction of its own, and is tried
   * once. What was interrupted goes on with the next call.
   *
   * @example
   * const mended = { handler: 'stock.reserve', error: 'ECONNREFUSED' }
   * const { count } = await bus.lanes.retryAll(mended, { preview: true })
   * await bus.lanes.retryAll(mended, { ratePerSecond: 50, by: 'ada', reason: 'the store is back' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when nothing is named: everything is `{ all: true }`.
   */
  retryAll(which: BlockedLanes, act?: PacedActOptions): Promise<ActReport>
  /**
   * Makes the head a dead letter and lets the next one go. The dead letter's reason says who skipped it and why, unless the
   * head had died already, of a reason of its own.
   *
   * @example await bus.lanes.skipHead({ handler: 'stock.reserve', partitionKey: 'order-17' }, { reason: 'cancelled by phone' })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_LANE`, `POSTBUS_LANE_RUNS`.
   */
  skipHead(lane: LaneName, act?: ActOptions): Promise<ActReport>
  /**
   * Runs this key again at this handler, from an event on: it gets the key's events in the order of publishing, those that are done or dead
   * once more, those that wait in their turn, later ones behind them. Other keys and handlers are not touched. What was dismissed stays
   * dismissed, and an event that the handler never received is not given to it: `interested` is not asked again.
   *
   * The key stands still meanwhile: what runs is waited for, up to 10 s. A key that is paused stays paused. Returns how many come
   * back that were over.
   *
   * @example
   * const lane = { handler: 'stock.reserve', partitionKey: 'order-17' }
   * await bus.lanes.rewind({ ...lane, from: event.id }, { by: 'ada', reason: 'wrong quantity since then' })
   * @throws {PostbusError} `POSTBUS_NO_SUCH_EVENT`, `POSTBUS_UNKNOWN_HANDLER`; `POSTBUS_LANE_RUNS` when what runs does not end in time.
   */
  rewind(to: RewindTo, act?: PreviewedActOptions): Promise<ActReport>
  /**
   * After `skipHead`: rewinds the key to the oldest delivery of it that was skipped, or has died, and is still a dead letter. Returns a
   * count of 0 when there is none.
   *
   * @example await bus.lanes.repair({ handler: 'stock.reserve', partitionKey: 'order-17' }, { by: 'ada' })
   * @throws {PostbusError} as `rewind`.
   */
  repair(lane: LaneName, act?: PreviewedActOptions): Promise<ActReport>
  /**
   * From now on nothing of this key begins at this handler, until `resume`; what runs ends. The key may be one of which nothing waits yet.
   * Other keys and handlers go on. Returns a count of 0 when it was paused already.
   *
   * @example await bus.lanes.pause({ handler: 'stock.reserve', partitionKey: 'order-17' }, { by: 'ada', reason: 'being recounted' })
   * @throws {PostbusError} `POSTBUS_UNKNOWN_HANDLER`.
   */
  pause(lane: LaneName, act?: ActOptions): Promise<ActReport>
  /** Lets the key go on, in order. Returns a count of 0 when it was not paused. */
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
