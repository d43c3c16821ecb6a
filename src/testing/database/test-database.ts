/** What a test's database is made from, and what a test gets. */
import type { Bus } from '../../bus.ts'

export interface TestDatabaseOptions<B extends Bus = Bus> {
  /** Creates the application's bus on this database: a new one at each call. It is closed for you. */
  readonly bus: (connectionString: string) => B | Promise<B>
  /**
   * Makes the application's own tables, once per run. What it opens it closes. Postbus's own migration runs by itself,
   * afterwards.
   */
  readonly migrate?: ((connectionString: string) => unknown) | undefined
  /**
   * Tables that are not emptied before each test, such as `audit.entry`. What `migrate` has put rows into (its history,
   * reference data) is not emptied anyway.
   */
  readonly keepTables?: readonly string[] | undefined
  /** A server whose user may create databases. Default: DATABASE_URL of the environment, else one of our own. */
  readonly databaseUrl?: string | undefined
}

/** A test's database. */
export interface TestDatabase<B extends Bus = Bus> {
  readonly bus: B
  readonly connectionString: string
  readonly name: string
}

/** One that was opened by hand. */
export interface OpenTestDatabase<B extends Bus = Bus> extends TestDatabase<B> {
  /** Empties it, and puts its clock right: for before each test. */
  clean(): Promise<void>
  /** Leaves it as it is, for someone to look inside, and returns the command that does so. Close it afterwards. */
  keep(why: string): Promise<string>
  /** Closes the bus. The database is for the next one to open it, until the run is over. */
  close(): Promise<void>
}
