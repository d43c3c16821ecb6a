/** Time travel: the database's clock moves as the test says, for deliveries only. */
import { Pool } from 'pg'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createBus, snooze, type Bus } from '../../../src/index.ts'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { advanceTime, currentTime, resetTime, travelTo } from '../../../src/testing/time/time.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { createDatabase } from '../../support/database.ts'
import { anotherBus, handlerThat, NoteTaken } from '../../support/notes.ts'
import { emptyTables } from '../../support/stored.ts'

let opened: TestBus
let bus: Bus

beforeAll(async () => {
  opened = await openTestBus()
  bus = anotherBus(opened, [handlerThat((_, { attempt }) => (attempt === 1 ? fail() : snooze({ hours: 20 })), BACKOFF)])
  return async () => {
    await bus.close()
    await opened.close()
  }
})

beforeEach(async () => {
  await emptyTables(opened.database)
  await resetTime({ bus })
})

test('a retry is due as soon as its time has passed, and not before', async () => {
  await bus.publish(NoteTaken({ n: 1 }))
  await drainEvents({ bus })

  await advanceTime({ minutes: 59 }, { bus })
  const early = await drainEvents({ bus })
  await advanceTime({ minutes: 1, milliseconds: 500 }, { bus })
  const inTime = await drainEvents({ bus })

  expect(early).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0 })
  expect(inTime).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 1 })
})

test('time can be set, goes on from there, and is reset', async () => {
  const newYear = new Date('2031-01-01T00:00:00.000Z')

  await travelTo(newYear, { bus })
  const one = await currentTime({ bus })
  const other = await currentTime({ bus })
  await resetTime({ bus })
  const real = await currentTime({ bus })

  expect(one.getTime() - newYear.getTime()).toBeLessThan(10_000)
  expect(other.getTime()).toBeGreaterThanOrEqual(one.getTime())
  expect(Math.abs(real.getTime() - Date.now())).toBeLessThan(10_000)
})

test('moves are exact to the millisecond, over summer time and leap years', async () => {
  await travelTo(new Date('2028-01-01T00:00:00.000Z'), { bus })

  await advanceTime({ days: 366, hours: 1, minutes: 2, seconds: 3, milliseconds: 4 }, { bus })

  const now = await currentTime({ bus })
  expect(now.toISOString()).toMatch(/^2029-01-01T01:02:0/)
})

test('other buses, workers and connections of the database have the same time', async () => {
  const other = anotherBus(opened, [handlerThat(() => undefined)])
  onTestFinished(() => other.close())
  await bus.publish(NoteTaken({ n: 1 }))
  await drainEvents({ bus })

  await advanceTime({ days: 1 }, { bus })

  expect(await other.worker().drain()).toEqual({ done: 1, failed: 0, dead: 0, snoozed: 0 })
})

test('a database whose name is not that of a test database is refused, and stays unchanged', async () => {
  const production = await aDatabaseNamed('contest_production')
  await production.bus.publish(NoteTaken({ n: 1 }))

  const moves = [
    () => advanceTime({ minutes: 5 }, { bus: production.bus }),
    () => travelTo(new Date(), { bus: production.bus }),
    () => resetTime({ bus: production.bus }),
    () => drainEvents({ bus: production.bus, withRetries: true }),
    () => drainEvents({ bus: production.bus, until: { hours: 1 } }),
  ]

  for (const move of moves) {
    await expect(move()).rejects.toMatchObject({
      code: 'POSTBUS_NOT_A_TEST_DATABASE',
      message: expect.stringContaining('"contest_production"'),
    })
  }
  const { rows } = await production.pool.query(
    `select to_regclass('pgboss.postbus_test_clock') as clock, prosrc from pg_proc where proname = 'job_now'`,
  )
  expect(rows).toEqual([{ clock: null, prosrc: expect.stringMatching(/^\s*SELECT pg_catalog\.now\(\);\s*$/) }])
  expect(await drainEvents({ bus: production.bus })).toMatchObject({ done: 1 })
})

test('a comment can mark a database as a test database', async () => {
  const ours = await aDatabaseNamed('contest_shop')

  await ours.pool.query(`comment on database contest_shop is 'postbus test database'`)
  await advanceTime({ hours: 1 }, { bus: ours.bus })

  expect((await currentTime({ bus: ours.bus })).getTime()).toBeGreaterThan(Date.now() + 3_500_000)
})

test('an invalid duration or time is refused', async () => {
  const refusal = { code: 'POSTBUS_INVALID_OPTIONS' }

  await expect(advanceTime({}, { bus })).rejects.toMatchObject(refusal)
  await expect(advanceTime({ minutes: -5 }, { bus })).rejects.toMatchObject(refusal)
  // @ts-expect-error: it is called minutes
  await expect(advanceTime({ minute: 5 }, { bus })).rejects.toMatchObject(refusal)
  await expect(travelTo(new Date(NaN), { bus })).rejects.toMatchObject(refusal)
})

const BACKOFF = { backoff: { initialMs: 3_600_000, factor: 1, jitter: 0 } } as const

function fail(): never {
  throw new Error('not yet')
}

/** Creates a database with a bus. No database of this name may be in use on the server. */
async function aDatabaseNamed(name: string) {
  const template = await createDatabase()
  const admin = new Pool({ connectionString: template.connectionString, max: 1 })
  await admin.query(`drop database if exists ${name}`)
  await admin.query(`create database ${name}`)
  const url = new URL(template.connectionString)
  url.pathname = name
  const pool = new Pool({ connectionString: url.href, max: 2 })
  pool.on('error', () => undefined)
  admin.on('error', () => undefined)
  const created = createBus({
    connectionString: url.href,
    handlers: [handlerThat(() => undefined)],
    onSignal: () => undefined,
  })
  await created.migrate()
  onTestFinished(async () => {
    await created.close()
    await pool.end()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
    await template.drop()
  })
  return { bus: created, pool }
}
