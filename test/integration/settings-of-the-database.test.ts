/** With any defaults of the database or the role, our statements mean the same, and their results are read correctly. */
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createBus, defineHandler, type BusOptions, type Envelope } from '../../src/index.ts'
import { drainEvents } from '../../src/testing/drain/drain.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const SETTINGS: readonly (readonly string[])[] = [
  [`datestyle = 'German'`],
  [`datestyle = 'SQL, DMY'`],
  [`datestyle = 'Postgres'`],
  [`timezone = 'Asia/Kathmandu'`, `intervalstyle = 'sql_standard'`],
  [`extra_float_digits = -15`, `bytea_output = 'escape'`],
  [`default_transaction_isolation = 'serializable'`, `default_transaction_deferrable = on`],
  [`statement_timeout = '150ms'`, `idle_in_transaction_session_timeout = '150ms'`],
  [`standard_conforming_strings = off`, `quote_all_identifiers = on`, `array_nulls = off`],
]

const heard: Envelope[] = []
const handlers = [
  defineHandler('notes.hear', { on: NoteTaken, handle: (event) => void heard.push(event) }),
  handlerThat(() => Promise.reject(new Error('no')), { name: 'notes.fail', maxAttempts: 1, onDead: 'block' }),
]

let opened: TestBus
let name: string

beforeAll(async () => {
  opened = await openTestBus({ handlers })
  name = new URL(opened.connectionString).pathname.slice(1)
})

afterAll(() => opened.close())

beforeEach(async () => {
  heard.length = 0
  await emptyTables(opened.database)
})

describe.each(SETTINGS.map((settings) => ({ settings, what: settings.join(', ') })))('$what', ({ settings }) => {
  beforeAll(async () => {
    for (const setting of settings) await opened.database.query(`alter database "${name}" set ${setting}`)
    if (settings[0]?.startsWith('statement_timeout')) await slowDown('300 ms')
  })

  afterAll(async () => {
    await opened.database.query(`alter database "${name}" reset all`)
    await opened.database.query('drop trigger if exists slow on postbus.event')
  })

  test.each([
    ['on connections of its own', () => ({})],
    ['on a pool that it was given', () => ({ connectionString: undefined, pool: aPool() })],
  ] satisfies [string, () => BusOptions][])('%s a bus publishes, handles, and serves operators', async (_, options) => {
    const bus = createBus({
      connectionString: opened.connectionString,
      handlers,
      onSignal: () => undefined,
      ...options(),
    })
    onTestFinished(() => bus.close())
    const event = NoteTaken({ n: 1, key: 'red' })

    expect((await bus.migrate()).steps).toEqual([])
    expect((await bus.publish([event, NoteTaken({ n: 2 })])).events[0]).toMatchObject({ id: event.id, deliveries: 2 })
    expect(await bus.worker().drain()).toMatchObject({ done: 2, dead: 2 })

    expect(heard.find(({ id }) => id === event.id)).toMatchObject({ occurredAt: event.occurredAt, data: event.data })
    const { deadLetters: letters } = await bus.deadLetters.list()
    expect(letters.map(({ diedAt }) => Math.abs(Date.now() - diedAt.getTime()) < 60_000)).toEqual([true, true])
    const [lane] = (await bus.lanes.list()).lanes
    expect(Math.abs(Date.now() - (lane?.since.getTime() ?? 0))).toBeLessThan(60_000)
    expect((await bus.doctor()).filter(({ status }) => status === 'problem')).toEqual([])
    expect((await bus.doctor()).find(({ check }) => check === 'schema')?.message).toContain('no drift')
    expect((await bus.doctor()).find(({ check }) => check === 'clock')?.status).toBe('ok')
    expect(await bus.deadLetters.dismiss({ handler: 'notes.fail' })).toEqual({ count: 2 })
  })
})

test('a drain in a transaction reads times correctly in any date style', async () => {
  const tx = new Client({ connectionString: opened.connectionString })
  await tx.connect()
  await tx.query(`begin; set local datestyle = 'German'; set local timezone = 'Asia/Kathmandu'`)
  const event = NoteTaken({ n: 1 })
  await opened.bus.publish(event, { tx })

  expect(await drainEvents({ bus: opened.bus, tx })).toMatchObject({ done: 1, dead: 1 })
  const { rows } = await tx.query<{ style: string }>(`select current_setting('datestyle') as style`)
  await tx.query('rollback')
  await tx.end()

  expect(heard[0]?.occurredAt).toEqual(event.occurredAt)
  expect(rows[0]?.style).toContain('German')
})

/** Makes each publish take this long. */
async function slowDown(time: string): Promise<void> {
  await opened.database.query(`
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep_for('${time}'); return null; end $$;
    create trigger slow after insert on postbus.event for each statement execute function slow()`)
}

function aPool(): Pool {
  const pool = new Pool({ connectionString: opened.connectionString, max: 3 })
  pool.on('error', () => undefined)
  onTestFinished(() => pool.end())
  return pool
}
