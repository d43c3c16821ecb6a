/** Options and results of an operator's work on the database: `bus.migrate()`, `bus.doctor()` and `bus.prune()`. */
import { z } from 'zod'

export interface MigrateOptions {
  /** `true`: only returns the steps that would be taken. */
  readonly dryRun?: boolean
  /**
   * Registers the event types and handlers of this code for SQL publishers, even if a newer deploy has registered others. Use it after a deploy
   * was rolled back. Default: `false`, a newer registration is kept.
   */
  readonly replaceRegistry?: boolean
  /** Called before each step. */
  readonly onStep?: (step: string) => void
  /**
   * Called when the migration waits for another session, with text about it: its process, application and user, since when, and its
   * last statement.
   */
  readonly onWait?: (what: string) => void
}

export interface MigrateReport {
  /** The steps that were taken (with `dryRun`: that would be taken). Empty: everything was in place. */
  readonly steps: readonly string[]
  /** Why the registration for SQL publishers was left as a newer deploy, or another service, has made it; `null`: it was not left. */
  readonly registryKept: string | null
}

export interface DoctorOptions {
  /**
   * For use before a deploy: also checks whether this code can handle everything that waits, counted in full. Deliveries that wait
   * for a handler that this code does not have, or with an event type or version that its handlers cannot read, are problems.
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
    | 'engine'
    | 'registry'
    | 'clock'
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
}

export interface PruneOptions {
  /** `true`: only counts the events that would be deleted. */
  readonly dryRun?: boolean
}

export interface PruneReport {
  /**
   * How many events were deleted, or with `dryRun` would be deleted now: events past their retention or ttl, for which no
   * delivery waits.
   */
  readonly events: number
}

export const pruneOptions = z.strictObject({ dryRun: z.boolean().default(false) })
