/**
 * A reader of the log passes over no event that may still be committed: each way in which an event can appear late is a schedule here, and
 * each possible fault of the watermark makes one of the schedules fail.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Client, Pool } from 'pg'
import { createBus, type Bus } from '../../src/index.ts'
import { breakFunction } from '../support/break-function.ts'
import { startEmbeddedServer } from '../support/embedded-server.ts'
import { logReaderOn, logStoreOn } from '../support/log-reading.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

let connectionString: string
let database: Pool
let bus: Bus
const clients: Client[] = []

beforeAll(async () => {
  const server = await startEmbeddedServer({ max_prepared_transactions: '2' })
  connectionString = server.connectionString
  database = new Pool({ connectionString, max: 3 })
  bus = createBus({ connectionString, onSignal: () => undefined })
  await bus.migrate()
  return () => server.remove()
})

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()))
  await database.query('truncate postbus.event restart identity')
  await database.query('drop trigger if exists slow on postbus.event')
})

afterAll(async () => {
  await bus.close()
  await database.end()
})

type Reader = ReturnType<typeof logReaderOn>

/** Each schedule returns all keys that were read, in the order of reading. */
const schedules = {
  async 'a publisher commits after a later one'(reader: Reader) {
    const late = await open()
    await publish('late', late)
    await publish('early')
    const read = [...(await reader.read()), ...(await reader.read())]
    await late.query('commit')
    return [...read, ...(await reader.read())]
  },

  async 'a publisher has taken its number, and has not inserted yet'(reader: Reader) {
    await database.query(`create or replace function public.slow() returns trigger language plpgsql as $$ begin
      if new.partition_key = 'late' then perform pg_advisory_xact_lock(4711); end if; return new; end $$;
      create trigger slow before insert on postbus.event for each row execute function public.slow()`)
    const holder = await open()
    await holder.query('select pg_advisory_xact_lock(4711)')
    const publishing = publish('late')
    await until('it has its number', async () => (await taken()) === 1)
    await publish('early')
    const read = [...(await reader.read()), ...(await reader.read())]
    await holder.query('commit')
    await publishing
    return [...read, ...(await reader.read())]
  },

  async 'a publisher is prepared, and commits after a later one'(reader: Reader) {
    const late = await open()
    await publish('late', late)
    await publish('early')
    const read = [...(await reader.read())]
    await late.query(`prepare transaction 'late'`)
    read.push(...(await reader.read()), ...(await reader.read()))
    await database.query(`commit prepared 'late'`)
    return [...read, ...(await reader.read())]
  },

  async 'a savepoint is rolled back, and its transaction goes on'(reader: Reader) {
    const late = await open()
    await late.query('savepoint part')
    await publish('gone', late)
    await late.query('rollback to savepoint part')
    await publish('late', late)
    await publish('early')
    const read = [...(await reader.read()), ...(await reader.read())]
    await late.query('commit')
    return [...read, ...(await reader.read())]
  },
} as const

const broken: readonly {
  without: string
  schedule: keyof typeof schedules
  piece: string
  replacement: string
}[] = [
  {
    without: 'asking who may hold a missing number',
    schedule: 'a publisher commits after a later one',
    piece: 'if holders is null then',
    replacement: 'if true then',
  },
  {
    without: 'asking who may hold a number that is not inserted',
    schedule: 'a publisher has taken its number, and has not inserted yet',
    piece: 'if holders is null then',
    replacement: 'if true then',
  },
  {
    without: 'waiting for the transactions that were noted',
    schedule: 'a publisher commits after a later one',
    piece: 'lock.virtualtransaction = any(holders)',
    replacement: 'false',
  },
]

test.each(Object.keys(schedules) as (keyof typeof schedules)[])('nothing is passed over when %s', async (schedule) => {
  expect(await schedules[schedule](logReaderOn(logStoreOn(connectionString)))).toEqual(['late', 'early'])
})

test('neither a rolled-back number nor a transaction that writes elsewhere holds a reader back', async () => {
  const stranger = await open()
  await stranger.query('create table public.elsewhere (id integer)')
  const rolledBack = await open()
  await publish('gone', rolledBack)
  await publish('early')
  await rolledBack.query('rollback')
  const reader = logReaderOn(logStoreOn(connectionString))

  expect([...(await reader.read()), ...(await reader.read())]).toEqual(['early'])
})

describe('a watermark is wrong', () => {
  let intact = ''

  beforeAll(async () => {
    const { rows } = await database.query<{ text: string }>(
      `select pg_get_functiondef('postbus.log_watermark'::regproc) as text`,
    )
    intact = rows[0]?.text ?? ''
  })

  afterEach(async () => {
    await database.query(intact)
  })

  test.each(broken)('without $without', async ({ schedule, piece, replacement }) => {
    await breakFunction(database, 'postbus.log_watermark', { piece, replacement })

    expect(await schedules[schedule](logReaderOn(logStoreOn(connectionString)))).toEqual(['early'])
  })
})

async function open(): Promise<Client> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined)
  clients.push(client)
  await client.connect()
  await client.query('begin')
  return client
}

async function publish(key: string, tx?: Client): Promise<void> {
  await bus.publish(NoteTaken({ n: 1, key }), tx && { tx })
}

async function taken(): Promise<number> {
  const { rows } = await database.query<{ seq: number }>(
    `select case when is_called then last_value::integer else 0 end as seq from postbus.event_seq_seq`,
  )
  return rows[0]?.seq ?? 0
}
