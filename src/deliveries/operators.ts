/** What a bus is for those who operate it: looking at how it is, and mending what has gone wrong. */
import type { Acts } from './act-log.ts'
import type { Backlog } from './backlog.ts'
import type { Cancelling } from './cancelling.ts'
import type { Deliveries } from './completions.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Lanes } from './lanes.ts'
import type { Log } from './log-cursors.ts'
import type { DoctorFinding, DoctorOptions, PruneOptions, PruneReport } from './operations.ts'
import type { Pauses } from './pauses.ts'
import type { PublishableTypes } from './publishable-types.ts'
import type { Rates } from './rates.ts'
import type { Schedules } from './schedules.ts'
import type { BeginReplay, Replays } from './replays.ts'
import type { Workers } from './workers.ts'

export interface Operators extends Backlog, Pauses, Rates, Workers, Cancelling, PublishableTypes {
  /**
   * Examines the database, the queues, the handlers and the workers. Changes nothing.
   *
   * @example const findings = await bus.doctor({ deploy: true }) // by the code that is about to be deployed
   */
  doctor(options?: DoctorOptions): Promise<readonly DoctorFinding[]>
  /**
   * Deletes now what workers would delete in time: events past their retention, and events past their ttl, of which nothing waits.
   *
   * @example const { events } = await bus.prune({ dryRun: true })
   */
  prune(options?: PruneOptions): Promise<PruneReport>
  /** Deliveries that will not be tried again unless you say so. */
  readonly deadLetters: DeadLetters
  /** Deliveries that wait to be told how they ended. */
  readonly deliveries: Deliveries
  /** Partition keys that stand still, or wait. */
  readonly lanes: Lanes
  /** Stored events again, to one handler. */
  readonly replay: BeginReplay
  /** Replays that run or have ended, of every process. */
  readonly replays: Replays
  /** Events that the calendar publishes. */
  readonly schedules: Schedules
  /** How far handlers that read the log have come. */
  readonly log: Log
  /** What operators did: who, when, why, and to how many. */
  readonly acts: Acts
}
