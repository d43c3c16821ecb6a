/** What an operator can do with a bus besides publishing and working: migrate, examine, and decide about dead letters. */
import type { AttemptError } from './delivery.ts'

export interface MigrateOptions {
  /** Only say what would be done. */
  readonly dryRun?: boolean
  /** Called before each step. */
  readonly onStep?: (step: string) => void
}

export interface MigrateReport {
  /** The steps that were (or, with `dryRun`, would be) taken. Empty: everything was in place. */
  readonly steps: readonly string[]
}

/** One line of the doctor's report. */
export interface DoctorFinding {
  readonly check:
    'connection' | 'schema' | 'queues' | 'notify' | 'handlers' | 'workers' | 'dead letters' | 'retention' | 'clock'
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
}

/** Names a lane: one handler's deliveries of one partition key. */
export interface LaneName {
  readonly handler: string
  readonly partitionKey: string
}

/** A lane in which something waits or runs, by what stands at its head. */
export interface Lane extends LaneName {
  readonly queue: string
  /**
   * - `blocked`: its head has died, and the handler's `onDead` is `'block'`.
   * - `retrying`: its head has failed and waits for its next attempt.
   * - `running`: a handler is at it.
   * - `waiting`: its head is due, or snoozed.
   */
  readonly status: 'blocked' | 'retrying' | 'running' | 'waiting'
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
}

export interface LanePage {
  readonly handler?: string
  /** Only lanes that a dead delivery blocks. */
  readonly isBlocked?: boolean
  readonly limit?: number
}

/** `bus.lanes`: what an operator can do about keys that stand still. */
export interface Lanes {
  /**
   * Blocked lanes first, then those whose head was published longest ago; at most `limit` (default 100). Beside the blocked
   * ones it looks at the first 100,000 lanes of each queue.
   */
  list(page?: LanePage): Promise<readonly Lane[]>
  /** `null`: nothing of this lane waits or runs. */
  show(lane: LaneName): Promise<Lane | null>
  /**
   * Makes the head due now; one that blocks its lane gets all its attempts again. Answers its delivery id.
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_LANE`, `POSTBUS_LANE_RUNS`.
   */
  retry(lane: LaneName): Promise<string>
  /**
   * Makes the head a dead letter and lets the next one go. Answers the id of the skipped delivery.
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_LANE`, `POSTBUS_LANE_RUNS`.
   */
  skip(lane: LaneName): Promise<string>
}

export interface DeadLetter {
  readonly deliveryId: string
  readonly queue: string
  readonly handler: string
  readonly eventId: string | null
  readonly eventType: string | null
  readonly partitionKey: string | null
  /** Why it died: the last attempt's error, or what `discard` said. */
  readonly reason: string
  /** The error of each attempt, oldest first, at most the latest 20. */
  readonly attempts: readonly AttemptError[]
  /** Its partition key waits until it is retried or discarded. */
  readonly blocksKey: boolean
  readonly diedAt: Date
}

/** Which dead letters are meant. Everything given must match; nothing given means all of them. */
export interface DeadLetterFilter {
  readonly deliveryIds?: readonly string[]
  readonly handler?: string
  readonly eventType?: string
}

export interface DeadLetterPage extends DeadLetterFilter {
  readonly limit?: number
}

/** `bus.deadLetters`: what an operator can do about deliveries that died. */
export interface DeadLetters {
  /** Open dead letters, oldest first, at most `limit` (default 100). */
  list(page?: DeadLetterPage): Promise<readonly DeadLetter[]>
  count(filter?: DeadLetterFilter): Promise<number>
  /** Delivers them again, with all their attempts. Answers the delivery ids; a partitioned one runs after its successors. */
  retry(filter: DeadLetterFilter): Promise<readonly string[]>
  /** Gives them up for good. Answers the delivery ids. */
  discard(filter: DeadLetterFilter): Promise<readonly string[]>
}
