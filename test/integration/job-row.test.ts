/**
 * A delivery is a pg-boss job that our own SQL writes. The row must equal one that pg-boss itself writes, so that a new column or default
 * in a pg-boss release is noticed here and not in production.
 */
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { PgBoss } from 'pg-boss'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { PGBOSS_SCHEMA_VERSION } from '../../src/backends/postgres/schema/schema-check.ts'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables, storedDeliveries } from '../support/stored.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string().nullable() }),
  partitionKey: (data) => data.account,
})
const book = defineHandler('finances.book', { on: Paid, priority: 4, handle: () => undefined })

let shop: TestBus
let boss: PgBoss

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
  const executeSql = (text: string, values?: unknown[]) => shop.database.query(text, values)
  boss = new PgBoss({ db: { executeSql }, schema: 'pgboss', supervise: false, schedule: false, migrate: false })
  await boss.start()
})

afterAll(async () => {
  await boss.stop({ close: false, graceful: false })
  await shop.close()
})

beforeEach(() => emptyTables(shop.database))

test.each([
  { queue: 'events', account: null, others: 0 },
  { queue: 'events_partitioned', account: 'NL01', others: 0 },
  { queue: 'events', account: null, others: 1 },
  { queue: 'events_partitioned', account: 'NL01', others: 1 },
])('a row that publish writes into $queue with $others others equals a row of boss.insert()', async (one) => {
  const { queue, account, others } = one
  const event = Paid({ account })
  const tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()
  // One transaction, so that all times in both rows are the same.
  await tx.query('begin')
  await shop.bus.publish([event, Paid({ account })].slice(0, 1 + others), { tx })
  await boss.insert(
    queue,
    [
      {
        data: { event: event.id, type: 'finances.paid', handler: 'finances.book' },
        priority: -4,
        ...(account !== null && { singletonKey: `finances.book:${account}` }),
      },
    ],
    { db: { executeSql: (text, values) => tx.query(text, values) } },
  )
  await tx.query('commit')
  await tx.end()

  const { rows } = await shop.database.query<{ id: string; row: object; isOfNow: boolean }>(
    `select id, to_jsonb(job) - 'id' - 'created_on' as row, abs(extract(epoch from created_on - clock_timestamp())) < 60 as "isOfNow" from pgboss.job job where data ->> 'event' = $1 order by id`,
    [event.id],
  )
  const [ours, theirs] = rows // our id begins with zeros, because the event's seq is small
  expect(rows).toHaveLength(2)
  expect(ours?.id).toMatch(/^00000000-0000-/)
  expect(ours?.row).toEqual(theirs?.row)
  expect(ours?.isOfNow).toBe(true) // our time is the clock's; pg-boss's is that of the transaction's start
  expect(ours?.row).toMatchObject({ name: queue, state: 'created', retry_limit: 1_000_000, heartbeat_seconds: 10 })
})

test('a delivery’s id is its event’s seq and a hash of its handler’s name, now and in every later release', async () => {
  await shop.bus.publish([Paid({ account: null }), Paid({ account: 'NL01' })])

  const { rows } = await shop.database.query<{ seq: string; id: string; found: string }>(
    `select event.seq, job.id, postbus.seq_of_delivery(job.id) as found
    from postbus.event join pgboss.job on job.data ->> 'event' = event.id::text order by job.id`,
  )
  expect(rows).toHaveLength(2)
  for (const { seq, id, found } of rows) {
    expect(id.replaceAll('-', '')).toBe(`${Number(seq).toString(16).padStart(16, '0')}1830a106e6487fbb`)
    expect(found).toBe(seq)
  }
})

test('seq_of_delivery reads a complete bigint', async () => {
  const { rows } = await shop.database.query(
    `select postbus.seq_of_delivery('7fffffff-ffff-ffff-0000-000000000000') as seq`,
  )

  expect(rows).toEqual([{ seq: '9223372036854775807' }])
})

test('pg-boss deletes none of our deliveries: neither waiting, nor done, nor dead ones', async () => {
  await shop.bus.publish([Paid({ account: 'waits' }), Paid({ account: 'is done' }), Paid({ account: 'is dead' })])
  await boss.createQueue('not-ours')
  await boss.insert('not-ours', [{ data: {} }])
  await shop.database.query(
    `update pgboss.job set created_on = created_on - interval '5 years', keep_until = keep_until - interval '5 years'`,
  )
  await shop.database.query(
    `update pgboss.job set completed_on = now() - interval '5 years',
      state = (case when singleton_key like '%done' then 'completed' else 'failed' end)::pgboss.job_state
    where singleton_key like '%is %'`,
  )

  await boss.supervise()

  const left = (await storedDeliveries(shop.database)).map(({ queue, state }) => `${queue} ${state}`)
  expect(left.toSorted()).toEqual([
    'events_partitioned completed',
    'events_partitioned created',
    'events_partitioned failed',
  ])
})

test('the schema version that the code expects is that of the installed pg-boss', async () => {
  const installed = JSON.parse(await readFile('node_modules/pg-boss/package.json', 'utf8')) as {
    pgboss: { schema: number }
  }
  const { rows } = await shop.database.query('select version from pgboss.version')

  expect(installed.pgboss.schema).toBe(PGBOSS_SCHEMA_VERSION)
  expect(rows).toEqual([{ version: PGBOSS_SCHEMA_VERSION }])
})

test('package.json pins the minor version of pg-boss, because minor releases change its tables', async () => {
  const ours = JSON.parse(await readFile('package.json', 'utf8')) as { dependencies: Record<string, string> }

  expect(ours.dependencies['pg-boss']).toBe('~12.35.0')
})
