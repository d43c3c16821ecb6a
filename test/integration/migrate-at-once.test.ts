/** F52: many programs may migrate at the same time. The result is one valid schema, and no program fails. */
import { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { postbus } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { INDEX_STEPS, migrationSteps } from '../support/migrated-to.ts'
import { dumpSchema } from '../support/schema-dump.ts'

const FIVE = [1, 2, 3, 4, 5]

let database: TestDatabase
let pool: Pool

beforeEach(async () => {
  database = await createDatabase()
  pool = new Pool({ connectionString: database.connectionString, max: 2 })
  pool.on('error', () => undefined)
  return async () => {
    await pool.end()
    await database.drop()
  }
})

/** Queues differ between tests, and so do the objects in the schema that belong to a queue. */
const OF_A_QUEUE =
  /^CREATE (INDEX postbus_.*|OR REPLACE FUNCTION postbus\.\w+_[0-9a-f]{16}\([\s\S]*?\$function\$[\s\S]*?\$function\$\n?;)\n*/gm

let golden: string | undefined

afterEach(async () => {
  const dump = (await dumpSchema(pool)).replaceAll(OF_A_QUEUE, '')
  golden ??= dump
  expect(dump).toBe(golden)
  expect(await driftReport()).toMatchObject({ ok: true })
})

test('five buses, each with its own connections', async () => {
  const buses = FIVE.map(() => createBus({ connectionString: database.connectionString, onSignal: () => undefined }))

  const reports = await Promise.all(buses.map((bus) => bus.migrate()))

  // One bus did all the work, and the others had nothing left to do.
  expect(reports.map(({ steps }) => steps.length).toSorted((a, b) => a - b)).toEqual([
    0,
    0,
    0,
    0,
    4 + INDEX_STEPS.length + migrationSteps('0001-events').length,
  ])
  await Promise.all(buses.map((bus) => bus.close()))
})

test('five processes', async () => {
  const results = await Promise.all(FIVE.map(() => postbus(database.connectionString, ['migrate', '--json'])))

  expect(results.map(({ code, err }) => ({ code, isDone: /Done|Nothing to do/.test(err) }))).toEqual(
    FIVE.map(() => ({ code: 0, isDone: true })),
  )
  expect(results.map((result) => result.json().length).toSorted((a, b) => a - b)).toEqual([
    0,
    0,
    0,
    0,
    // pg-boss, the functions, four queues, and the registry for SQL publishers
    7 + INDEX_STEPS.length + migrationSteps('0001-events').length,
  ])
})

test('workers that start during a migration either work or name the command', async () => {
  const options = { connectionString: database.connectionString, onSignal: () => undefined }
  const buses = FIVE.map(() => createBus(options))

  const starts = await Promise.allSettled([createBus(options).migrate(), ...buses.map((bus) => bus.worker().drain())])

  expect(starts[0]?.status).toBe('fulfilled')
  const failures = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []))
  expect(failures.filter((message) => !message.endsWith('Run: npx postbus migrate'))).toEqual([])
  await Promise.all(buses.map((bus) => bus.close()))
})

async function driftReport(): Promise<unknown> {
  const boss = new PgBoss({ connectionString: database.connectionString, supervise: false, schedule: false })
  await boss.start()
  const report = await boss.detectSchemaDrift()
  await boss.stop({ graceful: false })
  return report
}
