/** The limit: a prepared statement that inserts the rows that we insert, and nothing else. No worker is woken. */
import { createHash, randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { receivers, type Order } from '../order.ts'
import { postbus } from './postbus.ts'
import { connected, type Publisher } from './publisher.ts'

const TYPE = 'bench.order-placed'

export const rawSql: Publisher = {
  name: 'raw SQL',
  configuration:
    'one prepared statement that inserts the same rows into the same tables: the event, and a job per receiver',
  install: (connectionString, count) => postbus.install(connectionString, count),
  async open(connectionString, count) {
    const client = await connected(connectionString)
    const [one, list] = [await statement(client, 'one', count), await statement(client, 'list', count)]
    return {
      publish: (transaction, order) => transaction.query(one, valuesOf(order)),
      publishList: (orders) => client.query(list, columnsOf(orders)),
      close: () => client.end(),
    }
  },
}

const SOURCE = {
  one: 'values ($1::uuid, $2::json, $3::timestamptz)',
  list: 'select * from unnest($1::uuid[], $2::json[], $3::timestamptz[])',
}

/** The queue's settings are constants in the statement: reading them is work that the limit must not include. */
async function statement(client: Client, kind: keyof typeof SOURCE, count: number) {
  const { rows } = await client.query<{ settings: string }>(
    `select format('%s, %s, now() + interval ''%s seconds'', %s, %s, %L::boolean, %L, %s',
       expire_seconds, deletion_seconds, retention_seconds, retry_limit, retry_delay, retry_backoff, policy, heartbeat_seconds) as settings
     from pgboss.queue where name = 'events'`,
  )
  const handlers = receivers(count).map((name) => `('bench.${name}', '${hashOf(`bench.${name}`)}')`)
  const text = `
    with input (id, payload, occurred_at) as (${SOURCE[kind]}),
    stored as (
      insert into postbus.event (id, type, version, payload, correlation_id, occurred_at)
      select id, '${TYPE}', 1, payload, id, occurred_at from input
      returning seq, id
    )
    insert into pgboss.job (
      id, name, data, priority, start_after, created_on,
      expire_seconds, deletion_seconds, keep_until, retry_limit, retry_delay, retry_backoff, policy,
      heartbeat_seconds
    )
    select (lpad(to_hex(seq), 16, '0') || hash)::uuid, 'events',
      jsonb_build_object('event', stored.id, 'type', '${TYPE}', 'handler', handler), 0, now(), now(),
      ${rows[0]?.settings}
    from stored cross join (values ${handlers.join()}) as receiver (handler, hash)`
  return { name: `raw-${kind}-${count}`, text }
}

function hashOf(handler: string): string {
  return createHash('sha256').update(handler).digest('hex').slice(0, 16)
}

function valuesOf(order: Order): unknown[] {
  return [randomUUID(), JSON.stringify({ json: order }), order.placedAt]
}

function columnsOf(orders: readonly Order[]): unknown[] {
  const rows = orders.map(valuesOf)
  return [0, 1, 2].map((column) => rows.map((row) => row[column]))
}
