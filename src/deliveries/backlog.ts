/**
 * The deliveries that wait, run or are blocked at this moment, by handler: `bus.backlog`. For gauges, an operator's first look, and
 * scaling.
 */
import { z } from 'zod'

/** How far a handler with `delivery: 'log'` is behind. */
export interface LogLag {
  /** How many events of the log its slowest shard has not passed yet, also events that it does not want. Counting stops at 100,000. */
  readonly events: number
  /** How long ago the oldest of these events was published. */
  readonly seconds: number
}

/** The numbers of a handler's deliveries by state. Each delivery is counted once. The names follow `DeliveryState`. */
export interface HandlerBacklog {
  readonly handler: string
  /** Due, and waiting for a slot or a worker. */
  readonly waiting: number
  /** Published for a later time. */
  readonly later: number
  readonly running: number
  /** An attempt failed, and the next one waits for its backoff. */
  readonly retrying: number
  readonly snoozed: number
  /** The handler returned `awaitCompletion(…)`: waiting to be told how it ended. */
  readonly awaiting: number
  /** Waiting behind an earlier delivery of its partition key. */
  readonly parked: number
  /** Partition keys that a dead delivery holds until an operator acts. */
  readonly blockedKeys: number
  /** Open dead letters, including dead letters that block a key. */
  readonly dead: number
  /**
   * How long the oldest waiting delivery has been due, in milliseconds. `null`: no delivery is waiting. Parked deliveries count. Deliveries
   * behind a blocked key do not count: `blockedKeys` shows them.
   */
  readonly oldestWaitingMs: number | null
  /**
   * `null` for a handler that does not read the log. If a handler reads the log, its failed events become deliveries, which are counted
   * above.
   */
  readonly log: LogLag | null
}

export interface BacklogReport {
  /** When the numbers were read, by the database's clock. */
  readonly at: Date
  /** `true`: there are more than 100,000 deliveries or dead letters, so a sample was counted. */
  readonly isEstimate: boolean
  /** Ordered by name: every handler of the bus, and every other handler for which something is stored. */
  readonly handlers: readonly HandlerBacklog[]
}

export interface BacklogOptions {
  /** Counts all deliveries, however many: about two seconds for a million. Default: `false`. */
  readonly exact?: boolean
}

export interface Backlog {
  /**
   * Counts by handler the deliveries that are not done, in one statement that never takes long: if more than 100,000 deliveries wait, it counts
   * a sample of them. The number of running deliveries is always exact. `docs/operating.md` says what it costs.
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
