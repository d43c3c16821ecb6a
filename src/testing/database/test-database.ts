/** The options of a test database, and what a test gets. */
import type { Bus } from '../../bus.ts'

export interface TestDatabaseOptions<B extends Bus = Bus> {
  /** Creates the application's bus on this database: a new one at each call. The testing kit closes the bus. */
  readonly bus: (connectionString: string) => B | Promise<B>
  /**
   * Creates the application's own tables, once per run. It must close the connections that it opens. Postbus's own migration
   * runs by itself, afterwards.
   */
  readonly migrate?: ((connectionString: string) => unknown) | undefined
  /**
   * Tables that are not emptied before each test, such as `audit.entry`. Tables that `migrate` has put rows into (its
   * history, reference data) need not be listed: they are never emptied.
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

/** A test database that was opened by hand. */
export interface OpenTestDatabase<B extends Bus = Bus> extends TestDatabase<B> {
  /** Empties the database and resets its clock. Call it before each test. */
  clean(): Promise<void>
  /** Keeps the database after the run, and returns the command to look inside. Call `close` afterwards. */
  keep(why: string): Promise<string>
  /** Closes the bus. Until the run is over, another call that opens a test database can reuse this one. */
  close(): Promise<void>
}
