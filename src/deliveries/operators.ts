/** The part of a bus for operators: looking at its state, and repairing what has gone wrong. */
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
   * Deletes now what workers would delete later: events past their retention or ttl, for which no delivery waits.
   *
   * @example const { events } = await bus.prune({ dryRun: true })
   */
  prune(options?: PruneOptions): Promise<PruneReport>
  /** Deliveries that are tried again only if you say so. */
  readonly deadLetters: DeadLetters
  /** Tells deliveries that wait after `awaitCompletion` how they ended. */
  readonly deliveries: Deliveries
  /** Partition keys that are blocked, or wait. */
  readonly lanes: Lanes
  /** Gives stored events to one handler again. */
  readonly replay: BeginReplay
  /** Replays of all processes, running and ended. */
  readonly replays: Replays
  /** Events that are published at times of the calendar. */
  readonly schedules: Schedules
  /** How far handlers that read the log have come. */
  readonly log: Log
  /** The record of what operators did: who, when, why, and to how many deliveries. */
  readonly acts: Acts
}
