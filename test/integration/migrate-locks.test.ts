/** A migration delays no publisher: if it has nothing to do, it locks nothing; if it needs a lock, it waits briefly, retries, and names who blocks it. */
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { dumpSchema } from '../support/schema-dump.ts'
import { until } from '../support/until.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string().nullable() }),
  partitionKey: (data) => data.account,
})
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })

let shop: TestBus
let next: Bus
let tx: Client

beforeEach(async () => {
  shop = await openTestBus({ handlers: [book] })
  next = createBus({ connectionString: shop.connectionString, handlers: [book], onSignal: () => undefined })
  tx = new Client({ connectionString: shop.connectionString, application_name: 'shop-web' })
  tx.on('error', () => undefined)
  await tx.connect()
})

afterEach(async () => {
  await tx.end()
  await next.close()
  await shop.close()
})

/** The application's transaction: it has published with and without a key, and stays open. */
async function publishAndStayOpen() {
  await tx.query('begin')
  await shop.bus.publish([Paid({ account: null }), Paid({ account: 'NL01' })], { tx })
}

test('if a migration has nothing to do, it waits for no open transaction, as its dry run said', async () => {
  await publishAndStayOpen()
  await tx.query('lock table pgboss.queue, postbus.queue, postbus.migration in row exclusive mode')

  const dry = await next.migrate({ dryRun: true })
  const real = await next.migrate({ onWait: (what) => expect.fail(what) })
  const { rows } = await shop.database.query<{ count: number }>(
    `select count(*)::integer from pg_locks join pg_class on pg_class.oid = relation where mode = 'ShareLock'`,
  )

  expect([dry.steps, real.steps]).toEqual([[], []])
  expect(rows[0]?.count).toBe(0)
  await tx.query('rollback')
})

test.each([
  { what: 'an index of a small table', change: 'drop index pgboss.postbus_lane' },
  { what: 'the guard of the deliveries', change: 'drop trigger postbus_guard_fetch on pgboss.job_common' },
])(
  'while $what waits for an open transaction, publishes go on, and the migration names the transaction',
  async ({ change }) => {
    const whole = await dumpSchema(shop.database)
    await shop.database.query(change)
    await publishAndStayOpen()
    const waits: string[] = []
    let isOver = false
    const migrating = next.migrate({ onWait: (what) => waits.push(what) }).finally(() => (isOver = true))

    const slowest = { ms: 0 }
    await until(
      'it has said for whom it waits, and has tried twice',
      async () => {
        const began = performance.now()
        await shop.bus.publish([Paid({ account: null }), Paid({ account: 'NL02' })])
        slowest.ms = Math.max(slowest.ms, performance.now() - began)
        return waits.length > 1
      },
      40_000,
    )
    expect(isOver).toBe(false)
    await tx.query('commit')
    await migrating

    expect(waits[0]).toMatch(
      /^waiting for process \d+ \(shop-web, \w+\), transaction open since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, last statement since \d\d:\d\d:\d\d UTC: select "postbus"\.publish/,
    )
    expect(slowest.ms).toBeLessThan(3_000) // a publish waits only briefly; the limit allows for a busy machine
    expect(await dumpSchema(shop.database)).toBe(whole)
    expect((await next.migrate({ dryRun: true })).steps).toEqual([])
  },
)

test('if the server ends the migration’s lock session, the migration is rejected with the reason, and can be run again', async () => {
  await shop.database.query('drop index pgboss.postbus_lane')
  await publishAndStayOpen()
  const waiting = Promise.withResolvers<string>()
  const migrating = next.migrate({ onWait: waiting.resolve }).catch((error: unknown) => error)
  await waiting.promise

  const { rows } = await shop.database.query<{ isEnded: boolean }>(
    `select pg_terminate_backend(pid) as "isEnded" from pg_stat_activity
    where datname = current_database() and query like '%pg_advisory_xact_lock%' and state = 'idle in transaction'
      and application_name = 'postbus migrate'`,
  )
  await tx.query('commit')

  expect(rows).toEqual([{ isEnded: true }])
  expect(await migrating).toMatchObject({
    code: 'POSTBUS_MIGRATION_STOPPED',
    message: expect.stringContaining('run again: npx postbus migrate') as unknown,
  })
  await next.migrate()
  expect((await next.migrate({ dryRun: true })).steps).toEqual([])
})

test('a dry run refuses everything that a migration refuses', async () => {
  await shop.database.query(`update pgboss.queue set policy = 'standard' where name = 'events_partitioned'`)

  for (const dryRun of [true, false]) {
    await expect(next.migrate({ dryRun })).rejects.toMatchObject({ code: 'POSTBUS_QUEUE_MISMATCH' })
  }
})
