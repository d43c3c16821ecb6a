/** What an operator can do with a bus besides publishing and working: migrate, examine, and decide about dead letters. */
import type { AttemptError } from './backend.ts'

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
export interface Finding {
  readonly check: 'connection' | 'schema' | 'queues' | 'notify' | 'handlers' | 'workers' | 'dead letters' | 'clock'
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
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
