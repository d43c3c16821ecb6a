/**
 * A real database for tests: migrated once per test run, a copy for each test process, emptied before each test. Postgres
 * comes from DATABASE_URL, else from a container if Docker answers, else from npm; all processes of a run share the server.
 */
import type { Bus } from '../bus.ts'
import { fixtureOf, type FixtureOf } from './database/fixture.ts'
import { openDatabase, type OpenedDatabase } from './database/open-database.ts'
import { callerOf } from './database/caller.ts'

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
  /** Leaves it as it is, for someone to look inside, and answers the line that does so. Close it afterwards. */
  keep(why: string): Promise<string>
  /** Closes the bus. The database is for the next one to open it, until the run is over. */
  close(): Promise<void>
}

/**
 * A fixture for vitest: `const test = base.extend('database', await testDatabase({ bus }))`. Each test that asks for it
 * gets an empty database, with a bus; tests that run at the same time get one each. When a test fails, its database is
 * kept, and a line says how to look inside.
 *
 * Awaited, because starting a server and migrating must not use up the time that the first test has.
 */
export async function testDatabase<B extends Bus>(
  options: TestDatabaseOptions<B>,
): Promise<FixtureOf<TestDatabase<B>>> {
  const place = callerOf(testDatabase)
  return fixtureOf(() => openDatabase(options, place))
}

/** The same without vitest, or for a setup of your own: opened, cleaned and closed by hand. */
export async function openTestDatabase<B extends Bus>(options: TestDatabaseOptions<B>): Promise<OpenTestDatabase<B>> {
  const place = callerOf(openTestDatabase)
  const opened: OpenedDatabase<B> = await openDatabase(options, place)
  return opened
}
