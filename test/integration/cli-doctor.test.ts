/** `postbus doctor` finds every known problem, names the command that fixes it, and exits with code 3. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBus, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { createDatabase } from '../support/database.ts'
import * as handlers from '../support/fixtures/cli/event-handlers.ts'
import { LetterSent, ParcelSent } from '../support/fixtures/cli/events.ts'
import { migrationSteps } from '../support/migrated-to.ts'
import { emptyTables } from '../support/stored.ts'

const LATEST = migrationSteps('0001-events').length

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
})

afterAll(() => shop.close())

beforeEach(() => emptyTables(shop.database))

test('a healthy bus with a worker has no problem and no warning, and exits with code 0', async () => {
  const worker = shop.bus.worker()
  await worker.start()

  const text = await postbus(shop.connectionString, ['doctor'])
  const json = await postbus(shop.connectionString, ['doctor', '--json'])
  await worker.stop()

  expect(text).toMatchObject({ code: 0, err: '' })
  expect(linesOf(text.out).at(-1)).toBe('0 problems, 0 warnings')
  expect(json).toMatchObject({ code: 0, err: '' })
  expect(json.json()).toEqual([
    { check: 'connection', status: 'ok', message: expect.stringMatching(/^PostgreSQL \d+\.\d+, \d+ ms$/) as unknown },
    { check: 'schema', status: 'ok', message: `postbus ${LATEST}, pgboss 43 (latest), no drift` },
    {
      check: 'queues',
      status: 'ok',
      message: 'events (standard), events_partitioned (singleton), parcels (standard), parcels_partitioned (singleton)',
    },
    { check: 'notify', status: 'ok', message: expect.stringMatching(/^received in \d+ ms$/) as unknown },
    { check: 'handlers', status: 'ok', message: '2 registered; every waiting delivery has one' },
    { check: 'workers', status: 'ok', message: '1 running' },
    { check: 'dead letters', status: 'ok', message: 'none' },
    { check: 'pauses', status: 'ok', message: 'nothing is paused' },
    { check: 'retention', status: 'ok', message: 'old events are pruned' },
    { check: 'vacuum', status: 'ok', message: expect.stringContaining('not cleared away yet') as unknown },
    { check: 'log', status: 'ok', message: 'nothing holds back what reads the log' },
    { check: 'readers', status: 'ok', message: 'no handler reads the log' },
    { check: 'registry', status: 'ok', message: 'SQL may publish what this code knows, as service "main"' },
    { check: 'clock', status: 'ok', message: expect.stringContaining('of the server') as unknown },
  ])
})

test('warnings alone exit with code 0: no worker is running, and there are dead letters', async () => {
  await shop.bus.publish([LetterSent({ to: 'moved' }), ParcelSent({ to: 'nobody' })])
  await shop.bus.worker().drain()

  const { code, out } = await postbus(shop.connectionString, ['doctor'])

  expect(code).toBe(0)
  expect(out).toContain('⚠ workers       no worker is running: deliveries wait. Run: npx postbus worker')
  expect(out).toContain(
    '⚠ dead letters  2, 1 of which hold up their partition key. Look at them with: npx postbus dead list',
  )
  expect(linesOf(out).at(-1)).toBe('0 problems, 2 warnings')
})

test('a worker that lacks a handler or a queue is a warning that names it', async () => {
  const lettersOnly = createBus({
    connectionString: shop.connectionString,
    handlers: [handlers.deliverLetter],
    onSignal: () => undefined,
  })
  const half = lettersOnly.worker({ queues: { events: 1 } })
  await half.start()
  const withoutHandler = await shop.bus.doctor()
  await half.stop()
  const idle = shop.bus.worker({ queues: { events: 1 } })
  await idle.start()
  const withoutQueue = await shop.bus.doctor()
  await idle.stop()
  await lettersOnly.close()

  const workers = [withoutHandler, withoutQueue].map((findings) => findings.find(({ check }) => check === 'workers'))
  expect(workers).toEqual([
    {
      check: 'workers',
      status: 'warning',
      message: '1 running, none of which has post.deliver-parcel: deploy them',
    },
    {
      check: 'workers',
      status: 'warning',
      message: '1 running, none of which works on events_partitioned, parcels, parcels_partitioned',
    },
  ])
})

describe('a problem exits with code 3, and is named with its fix:', () => {
  test('the database cannot be reached', async () => {
    const { code, out } = await postbus('postgres://nobody:hunter2@127.0.0.1:1/nowhere', ['doctor'])

    expect(code).toBe(3)
    expect(linesOf(out)).toEqual([
      '✖ connection  the database cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
      '1 problem, 0 warnings',
    ])
  })

  test('the schema is not installed', async () => {
    const empty = await createDatabase()

    const { code, out } = await postbus(empty.connectionString, ['doctor'])

    expect(code).toBe(3)
    expect(out).toContain('✖ schema      schema "postbus" is not installed. Run: npx postbus migrate')
    await empty.drop()
  })

  test('the schema lacks a migration', async () => {
    const undo = await changed(
      `delete from postbus.migration where name = '0004-publish'`,
      `insert into postbus.migration values ('0004-publish', '2026')`,
    )

    const { code, out } = await postbus(shop.connectionString, ['doctor'])
    await undo()

    expect(code).toBe(3)
    expect(out).toContain('✖ schema      the database is older than this code. Run: npx postbus migrate --dry-run')
  })

  test('a queue of the handlers does not exist', async () => {
    const undo = await changed(
      `update pgboss.queue set name = 'lost' where name = 'parcels'`,
      `update pgboss.queue set name = 'parcels' where name = 'lost'`,
    )

    const { code, out } = await postbus(shop.connectionString, ['doctor'])
    await undo()

    expect(code).toBe(3)
    expect(out).toContain('✖ queues      parcels do not exist. Run: npx postbus migrate')
  })

  test('a queue is of the wrong kind', async () => {
    const undo = await changed(
      `update pgboss.queue set policy = 'standard' where name = 'parcels_partitioned'`,
      `update pgboss.queue set policy = 'singleton' where name = 'parcels_partitioned'`,
    )

    const { code, out } = await postbus(shop.connectionString, ['doctor'])
    await undo()

    expect(code).toBe(3)
    expect(out).toContain('✖ queues        "parcels_partitioned" has policy "standard", expected "singleton"')
  })

  test('deliveries wait for a handler that no code has', async () => {
    const renamed = defineHandler('post.deliver-mail', { on: LetterSent, handle: () => undefined })
    const older = createBus({ connectionString: shop.connectionString, handlers: [renamed] })
    await older.publish([LetterSent({ to: 'Ada' }), LetterSent({ to: 'Bob' })])
    await older.close()

    const { code, out } = await postbus(shop.connectionString, ['doctor', '--json'])

    expect(code).toBe(3)
    expect(linesOf(out).map((line) => JSON.parse(line) as unknown)).toContainEqual({
      check: 'handlers',
      status: 'problem',
      message:
        '"post.deliver-mail" has 2 waiting deliveries but no handler of that name (renamed without previousNames, or not deployed?)',
    })
  })
})

test.each([
  {
    what: 'a migration of a newer release',
    change: `insert into postbus.migration values ('0099-later', '2030')`,
    undo: `delete from postbus.migration where name = '0099-later'`,
    says: `postbus ${LATEST + 1}, pgboss 43: migrated by a newer release than this one; deploy it soon`,
  },
  {
    what: 'an index of pg-boss that was dropped',
    change: 'alter index pgboss.job_common_i11 rename to was_i11',
    undo: 'alter index pgboss.was_i11 rename to job_common_i11',
    says: `postbus ${LATEST}, pgboss 43 (latest), but pg-boss's tables were changed: `,
  },
])('$what is a warning about the schema', async ({ change, undo, says }) => {
  const restore = await changed(change, undo)

  const findings = await shop.bus.doctor()
  await restore()

  expect(findings).toContainEqual({
    check: 'schema',
    status: 'warning',
    message: expect.stringContaining(says) as unknown,
  })
})

async function changed(change: string, undo: string): Promise<() => Promise<void>> {
  await shop.database.query(change)
  return async () => void (await shop.database.query(undo))
}
