/** Writes a long record of events by SQL, and indexes it as workers do. To publish a million events would take an hour. */
import { Client, Pool } from 'pg'
import { LogIndex } from '../src/backends/postgres/record/log-index.ts'
import { tablesIn } from '../src/backends/postgres/schema/tables.ts'
import { anEvent, publishingBus } from './contestants/postbus.ts'

export const DAYS = 30
export const HANDLERS = 3
const AT_A_TIME = 100_000

/** The events have 20 types and 50,000 keys. `bench.receiver-1` to `-3` handled each; besides, 1,000 are dead and 500 wait. */
export async function writeLongRecord(connectionString: string, events: number): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query(
    `insert into postbus.handler (name) select 'bench.receiver-' || n from generate_series(1, ${HANDLERS}) n on conflict do nothing`,
  )
  for (let from = 0; from < events; from += AT_A_TIME) {
    const to = Math.min(events, from + AT_A_TIME)
    await client.query(`with stored as (
      insert into postbus.event (id, type, version, partition_key, payload, correlation_id, causation_id, metadata, occurred_at, published_at)
      select gen_random_uuid(), 'shop.type-' || n % 20, 1, 'key ' || n % 50000,
        json_build_object('json', json_build_object('orderId', 'order-' || n, 'customerId', 'customer-' || n % 1000, 'total', 12.5)),
        'visit ' || n / 10, case when n % 10 > 0 then 'cause ' || n / 10 end, json_build_object('tenant', 'tenant ' || n % 1000),
        at, at
      from generate_series(${from + 1}, ${to}) n cross join lateral (
        select now() - interval '${DAYS} days' * (1 - n::float8 / ${events}) as at
      ) published order by n returning seq, published_at
    )
    insert into postbus.history (seq, ended_at, took_ms, turn, handler)
    select stored.seq, stored.published_at, 3, 0, handler.number from stored cross join postbus.handler`)
  }
  await client.query(`insert into postbus.dead_letter (delivery_id, queue, handler, event_id, event_type, reason, attempts, blocks_key, died_at)
    select (lpad(to_hex(seq), 16, '0') || '00000000000000ff')::uuid, 'events', 'bench.receiver-1', id, type, 'no', '[]', false, published_at
    from postbus.event where seq % ${Math.ceil(events / 1_000)} = 0`)
  await client.end()
  const bus = publishingBus(connectionString, 'without keys')
  await bus.publish(Array.from({ length: 500 }, (_, n) => anEvent('any', n, 'without keys')))
  await bus.close()
}

/** Indexes the record as workers do, some time after the publishing. */
export async function indexRecord(connectionString: string): Promise<void> {
  const pool = new Pool({ connectionString, max: 1 })
  const log = new LogIndex(tablesIn({ postbus: 'postbus', pgboss: 'pgboss' }))
  const database = { query: (text: string, values: unknown[]) => pool.query(text, values) }
  for (let isDone = false; !isDone;) {
    await log.move(database as never)
    const { rows } = await pool.query<{ isDone: boolean }>(
      'select indexed_to >= (select max(seq) from postbus.event) as "isDone" from postbus.log_place',
    )
    isDone = rows[0]?.isDone === true
  }
  await pool.query('vacuum analyze')
  await pool.end()
}
