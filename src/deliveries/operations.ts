/** What an operator's work on the database takes and returns: `bus.migrate()` and `bus.doctor()`. */

export interface MigrateOptions {
  /** Only say what would be done. */
  readonly dryRun?: boolean
  /** Called before each step. */
  readonly onStep?: (step: string) => void
  /** Called when it waits for someone, with who that is: a process, its application and user, since when, and its last statement. */
  readonly onWait?: (what: string) => void
}

export interface MigrateReport {
  /** The steps that were (or, with `dryRun`, would be) taken. Empty: everything was in place. */
  readonly steps: readonly string[]
}

/** One line of the doctor's report. */
export interface DoctorFinding {
  readonly check:
    | 'connection'
    | 'schema'
    | 'queues'
    | 'notify'
    | 'handlers'
    | 'workers'
    | 'dead letters'
    | 'pauses'
    | 'retention'
    | 'vacuum'
    | 'clock'
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
}
