/**
 * The number of rows that a worker's statements read does not depend on Postgres's statistics about the queue's table: 20,000
 * deliveries are inserted at once, and no ANALYZE or VACUUM runs afterwards.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import type { DeliveryStore } from '../../src/deliveries/delivery-store.ts'
import { createConnection, type Connection } from '../../src/backends/postgres/connection.ts'
import { createPostgresBackend } from '../../src/backends/postgres/postgres-backend.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { FIRST_LOOK } from '../support/take-over.ts'

const BURST = 20_000
const BATCH = 20
/** Index blocks, table blocks and rows that one statement may read per delivery. It touches a row and its entries in five indexes. */
const MOST_READ = 40

let opened: TestBus
let worker: Connection
let store: DeliveryStore

beforeEach(async () => {
  opened = await openTestBus({ handlers: [handlerThat(() => undefined)] })
  const { connectionString } = opened
  worker = createConnection({ connectionString, poolSize: 1, connectTimeoutMs: 5_000, queryTimeoutMs: 30_000 })
  const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
  store = createPostgresBackend({ connection: worker, lifeline: worker }, tables, () => undefined).store
  await store.prepare(['events', 'events_partitioned'])
  // Every now and then a recovery also sweeps, and then it reads 300 lanes, however many deliveries wait.
  await opened.database.query(`update postbus.lane_sweep set swept_at = now() + interval '1 day'`)
  await opened.database.query('alter table pgboss.job_common set (autovacuum_enabled = off)')
})

afterEach(async () => {
  await worker.close()
  await opened.close()
})

const beliefs = {
  nothing: async () => undefined,
  'that the table is empty': () => opened.database.query('analyze'),
  'that all is finished': async (queue: string) => {
    await burst(queue)
    await finishAll()
    await opened.database.query('vacuum analyze')
  },
}

test.each(
  Object.keys(beliefs).flatMap((belief) => ['events', 'events_partitioned'].map((queue) => ({ belief, queue }))),
)('$queue, where Postgres believes $belief', async ({ belief, queue }) => {
  await beliefs[belief as keyof typeof beliefs](queue)
  for (let turn = 0; turn < 2; turn += 1) await store.claim(queue, BATCH) // plans are made

  await burst(queue)
  const deliveries = [...(await claimed(queue))]
  const read = {
    claim: await readBy(queue, async () => deliveries.push(...(await claimed(queue)))),
    keep: await readBy(queue, () => store.keep(queue, deliveries.slice(BATCH))),
    recover: await readBy(queue, () => store.recover(FIRST_LOOK)),
    settle: await readBy(queue, () => store.settle(queue, deliveries.slice(BATCH).map(done))),
  }

  expect(deliveries).toHaveLength(2 * BATCH)
  expect(Object.entries(read).filter(([, amount]) => amount > MOST_READ * BATCH)).toEqual([])
})

async function claimed(queue: string): Promise<readonly ClaimedDelivery[]> {
  return (await store.claim(queue, BATCH)).deliveries
}

function done(delivery: ClaimedDelivery): Settlement {
  return { delivery, is: 'done' }
}

/** Inserts one published delivery and its copies, over 1,000 lanes if it has a key: as fast as the disk allows. */
async function burst(queue: string): Promise<void> {
  await opened.bus.publish(NoteTaken({ n: 0, key: queue === 'events' ? null : 'key' }))
  await opened.database.query(
    `insert into pgboss.job (id, name, data, priority, start_after, created_on, singleton_key, keep_until, retry_limit, policy,
      expire_seconds, deletion_seconds, heartbeat_seconds)
    select (lpad(to_hex(one.place + number), 16, '0') || right(replace(one.id::text, '-', ''), 16))::uuid, name, data,
      priority, start_after, created_on, singleton_key || number % 1000, keep_until, retry_limit, policy,
      expire_seconds, deletion_seconds, heartbeat_seconds
    from (select *, (select count(*) from pgboss.job) + 1000 as place from pgboss.job where name = $1
      order by created_on desc limit 1) one, generate_series(1, $2) number`,
    [queue, BURST],
  )
  await opened.database.query('select pg_stat_force_next_flush()') // otherwise the reads of the burst are counted ten seconds later
}

async function finishAll(): Promise<void> {
  await opened.database.query(`update pgboss.job set state = 'completed', started_on = now(), completed_on = now()`)
}

async function readBy(queue: string, work: () => Promise<unknown>): Promise<number> {
  const before = await readSoFar(queue)
  await work()
  return (await readSoFar(queue)) - before
}

async function readSoFar(queue: string): Promise<number> {
  const session = await worker.pool()
  await session.query('select pg_stat_force_next_flush()')
  const { rows } = await session.query<{ amount: number }>(
    `select (heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read + seq_tup_read + idx_tup_fetch)::float8 as amount
    from pg_statio_all_tables join pg_stat_all_tables using (relid, schemaname, relname) where relname = (select table_name from pgboss.queue where name = $1)`,
    [queue],
  )
  return rows[0]?.amount ?? Number.NaN
}
