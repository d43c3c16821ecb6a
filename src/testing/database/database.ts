/**
 * A real database for tests: migrated once per test run, a copy for each test process, emptied before each test. Postgres
 * comes from DATABASE_URL, else from a container if Docker runs, else from npm; all processes of a run share the server.
 */
import type { Bus } from '../../bus.ts'
import { fixtureOf, type FixtureOf } from './fixture.ts'
import { openDatabase, type OpenedDatabase } from './open-database.ts'
import { callerOf } from './caller.ts'
import type { OpenTestDatabase, TestDatabase, TestDatabaseOptions } from './test-database.ts'

/**
 * A fixture for vitest: `const test = base.extend('database', await testDatabase({ bus }))`. Each test that asks for it
 * gets an empty database, with a bus. Tests that run at the same time get one each. When a test fails, its database is
 * kept, and a printed line says how to look inside.
 *
 * Await it, because starting a server and migrating must not use up the first test's timeout.
 */
export async function testDatabase<B extends Bus>(
  options: TestDatabaseOptions<B>,
): Promise<FixtureOf<TestDatabase<B>>> {
  const place = callerOf(testDatabase)
  return fixtureOf(() => openDatabase(options, place))
}

/**
 * Opens a test database without vitest, or for a setup of your own. You clean and close it yourself.
 *
 * @example
 * const database = await openTestDatabase({ bus: (connectionString) => createBus({ connectionString, handlers }) })
 * beforeEach(() => database.clean())
 * after(() => database.close())
 */
export async function openTestDatabase<B extends Bus>(options: TestDatabaseOptions<B>): Promise<OpenTestDatabase<B>> {
  const place = callerOf(openTestDatabase)
  const opened: OpenedDatabase<B> = await openDatabase(options, place)
  return opened
}
