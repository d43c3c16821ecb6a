/** What an operator's work on the database takes and returns: `bus.migrate()` and `bus.doctor()`. */
import { z } from 'zod'

export interface MigrateOptions {
  /** Only say what would be done. */
  readonly dryRun?: boolean
  /**
   * Registers the event types and handlers of this code for SQL publishers, also where a newer deploy has registered others: after a deploy was
   * taken back. Default: `false`, what is newer is kept.
   */
  readonly replaceRegistry?: boolean
  /** Called before each step. */
  readonly onStep?: (step: string) => void
  /** Called when it waits for someone, with who that is: a process, its application and user, since when, and its last statement. */
  readonly onWait?: (what: string) => void
}

export interface MigrateReport {
  /** The steps that were (or, with `dryRun`, would be) taken. Empty: everything was in place. */
  readonly steps: readonly string[]
  /** Why what SQL may publish was left as a newer deploy, or another service, has registered it; `null`: it was not. */
  readonly registryKept: string | null
}

export interface DoctorOptions {
  /**
   * Before a deploy: also whether this code can go on with everything that waits, counted in full. What waits for a handler that it
   * does not have, or is of an event type or version that its handlers cannot read, is a problem.
   */
  readonly deploy?: boolean
}

export const doctorOptions = z.strictObject({ deploy: z.boolean().default(false) })

/** One line of the doctor's report. */
export interface DoctorFinding {
  readonly check:
    | 'connection'
    | 'schedules'
    | 'schema'
    | 'queues'
    | 'notify'
    | 'handlers'
    | 'deploy'
    | 'workers'
    | 'dead letters'
    | 'pauses'
    | 'retention'
    | 'vacuum'
    | 'log'
    | 'readers'
    | 'registry'
    | 'clock'
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
}

export interface PruneOptions {
  /** Only counts what would go. */
  readonly dryRun?: boolean
}

export interface PruneReport {
  /** How many events went, or with `dryRun` would go now: past their retention, or past their ttl, with nothing that waits. */
  readonly events: number
}

export const pruneOptions = z.strictObject({ dryRun: z.boolean().default(false) })
