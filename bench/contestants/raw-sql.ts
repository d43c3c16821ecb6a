/** The limit: a bare table, whose rows are locked, handled and deleted in one transaction. It has no retries and no history. */
import { Client } from 'pg'
import { HOT_KEY, listsOf } from '../load.ts'
import { orderOf, type Order } from '../order.ts'
import type { Contestant, Count, OnHandled } from './contestant.ts'

const BATCH = 500
const LIST = 1_000

const TAKE = {
  name: 'take',
  text: `select id, data from bench_job order by id limit ${BATCH} for update skip locked`,
}
const DELETE = { name: 'delete', text: 'delete from bench_job where id = any ($1::bigint[])' }

export const rawSql: Contestant = {
  home: 'raw-sql',
  product: 'raw SQL',
  name: 'raw SQL',
  configuration: `a table of two columns; one loop of begin, select … limit ${BATCH} for update skip locked, delete, commit; prepared`,
  async fill(connectionString, load) {
    const client = await connected(connectionString)
    await client.query(
      'create table bench_job (id bigint generated always as identity primary key, data json not null)',
    )
    for (const { start, keys } of listsOf(load, LIST)) {
      const orders = keys.map((key, place) => JSON.stringify(orderOf(key, start + place)))
      await client.query('insert into bench_job (data) select unnest($1::json[])', [orders])
    }
    await client.end()
  },
  async open(connectionString) {
    const client = await connected(connectionString)
    const stopping = new AbortController()
    let working: Promise<void> = Promise.resolve()
    return {
      start(count, onHandled) {
        working = takeAll(client, count, onHandled, stopping.signal)
      },
      async stop() {
        stopping.abort()
        await working
        await client.end()
      },
    }
  },
}

async function takeAll(client: Client, count: Count, onHandled: OnHandled, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await client.query('begin')
    const { rows } = await client.query<{ id: string; data: Order }>(TAKE)
    for (const { data } of rows) onHandled(data)
    if (rows.length > 0) await client.query(DELETE, [rows.map(({ id }) => id)])
    await client.query('commit')
    if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    count.done += rows.length
    count.ofHot += rows.filter(({ data }) => data.orderId === HOT_KEY).length
  }
}

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString })
  await client.connect()
  return client
}

export const contestants: readonly Contestant[] = [rawSql]
