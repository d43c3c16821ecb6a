/** What waits, runs and stands still at this moment, by handler: `bus.backlog`. For gauges, an operator's first look, and scaling. */
import { z } from 'zod'

/** How far a handler with `delivery: 'log'` is behind. */
export interface LogLag {
  /** How many events of the log lie behind the place of its slowest shard, also those it does not want; more than 100,000 are not counted. */
  readonly events: number
  /** How long ago the oldest of these was published. */
  readonly seconds: number
}

/** Each delivery is counted once, where it stands: the words are those of `DeliveryState`. */
export interface HandlerBacklog {
  readonly handler: string
  /** Due, and waits for a slot or a worker. */
  readonly waiting: number
  /** Published for a later time. */
  readonly later: number
  readonly running: number
  /** Failed, and waits for its backoff. */
  readonly retrying: number
  readonly snoozed: number
  /** Waits to be told how it ended. */
  readonly awaiting: number
  /** Waits behind an earlier delivery of its partition key. */
  readonly parked: number
  /** Partition keys that a dead delivery holds until an operator acts. */
  readonly blockedKeys: number
  /** Open dead letters, with those that block a key. */
  readonly dead: number
  /**
   * How long the oldest waiting delivery has been due, in milliseconds. `null`: no delivery is waiting. Parked deliveries count. Deliveries
   * behind a blocked key do not count: `blockedKeys` shows them.
   */
  readonly oldestWaitingMs: number | null
  /** `null` for a handler that does not read the log. What failed of one that does is counted above. */
  readonly log: LogLag | null
}

export interface BacklogReport {
  /** When it was looked at, by the database's clock. */
  readonly at: Date
  /** `true`: there are more than 100,000 deliveries or dead letters, so a sample was counted. */
  readonly isEstimate: boolean
  /** By name: every handler of the bus, and every other one that something is stored for. */
  readonly handlers: readonly HandlerBacklog[]
}

export interface BacklogOptions {
  /** Count everything, however many there are: about two seconds for a million. Default: `false`. */
  readonly exact?: boolean
}

export interface Backlog {
  /**
   * Counts what is not done, by handler, in one statement that never takes long: where more than 100,000 deliveries wait, it counts a sample of
   * them. What runs is exact in any case. `docs/operating.md` has what it costs.
   *
   * @example
   * const { handlers } = await bus.backlog()
   * for (const { handler, waiting, oldestWaitingMs } of handlers) console.log(handler, waiting, oldestWaitingMs)
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown field; `POSTBUS_NO_DATABASE` for a bus that keeps everything in memory.
   */
  backlog(options?: BacklogOptions): Promise<BacklogReport>
}

export const backlogOptions = z.strictObject({ exact: z.boolean().default(false) })
