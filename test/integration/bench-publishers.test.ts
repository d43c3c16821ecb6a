/** The benchmark compares like with like: each publisher notifies all receivers, in the given transaction. */
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { orderOf } from '../../bench/order.ts'
import { graphileWorker } from '../../bench/publishers/graphile-worker.ts'
import { pgBossInsert, pgBossPublish } from '../../bench/publishers/pg-boss.ts'
import { postbus } from '../../bench/publishers/postbus.ts'
import { createOrders, placeOrder, type Publisher } from '../../bench/publishers/publisher.ts'
import { rawSql } from '../../bench/publishers/raw-sql.ts'
import { createDatabase } from '../support/database.ts'

let created: Awaited<ReturnType<typeof createDatabase>>
let client: Client

beforeEach(async () => {
  created = await createDatabase()
  client = new Client({ connectionString: created.connectionString })
  await client.connect()
  await createOrders(created.connectionString)
})

afterEach(async () => {
  await client.end()
  await created.drop()
})

const JOBS = 'select count(*)::integer as jobs from pgboss.job'

test.each<{ publisher: Publisher; jobs: string }>([
  { publisher: postbus, jobs: JOBS },
  { publisher: rawSql, jobs: JOBS },
  { publisher: pgBossPublish, jobs: JOBS },
  { publisher: pgBossInsert, jobs: JOBS },
  { publisher: graphileWorker, jobs: 'select count(*)::integer as jobs from graphile_worker._private_jobs' },
])('$publisher.name stores a job per receiver, together with the order or not at all', async ({ publisher, jobs }) => {
  await publisher.install(created.connectionString, 3)
  const open = await publisher.open(created.connectionString, 3)

  await placeOrder(open, client, orderOf('committed', 1))
  await client.query('begin')
  await open.publish(client, orderOf('rolled back', 2))
  await client.query('rollback')
  const { rows: one } = await client.query(jobs)
  await open.publishList(Array.from({ length: 10 }, (_, place) => orderOf(`listed-${place}`, place)))
  const { rows: all } = await client.query(jobs)

  await open.close()
  expect([one, all]).toEqual([[{ jobs: 3 }], [{ jobs: 33 }]])
})

test('the raw statement inserts the same rows as bus.publish, one by one and in lists', async () => {
  await postbus.install(created.connectionString, 2)
  const stored: unknown[] = []
  for (const publisher of [postbus, rawSql]) {
    const open = await publisher.open(created.connectionString, 2)
    await placeOrder(open, client, orderOf(`${publisher.name}-1`, 1))
    await open.publishList([orderOf(`${publisher.name}-2`, 2)])
    await open.close()
    stored.push(await whatIsStored())
    await client.query('truncate postbus.event; delete from pgboss.job')
  }

  expect(stored[1]).toEqual(stored[0])
})

/** All columns except identities, times, and the order's name. */
async function whatIsStored() {
  const { rows } = await client.query(
    `select to_jsonb(event) - '{id,seq,correlation_id,published_at,occurred_at,payload}'::text[] as event,
       to_jsonb(job) - '{id,data,start_after,created_on,keep_until}'::text[] as job,
       job.data - 'event' as data, job.data ->> 'event' = event.id::text as refers,
       substr(job.id::text, 20) as handler_hash, keep_until - start_after as kept,
       event.payload #>> '{json,total}' as total, event.correlation_id = event.id::text as correlated
     from postbus.event join pgboss.job on postbus.seq_of_delivery(job.id) = event.seq
     order by event.seq, job.id`,
  )
  return rows
}
