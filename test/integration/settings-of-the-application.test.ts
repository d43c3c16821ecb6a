/** With any pg setting of the application, for the whole process or for its pool, the rows of the bus are read correctly. */
import { defaults, Pool, types } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createConnection } from '../../src/backends/postgres/connection.ts'
import { createBus, defineHandler, type Bus, type Envelope } from '../../src/index.ts'
import { drainEvents } from '../../src/testing/drain/drain.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

/** Each type that our statements read, and its array type. */
const TYPES = [16, 20, 21, 23, 25, 114, 700, 701, 1043, 1184, 1700, 2950, 3802, 1000, 1007, 1009, 1016, 2951]

const heard: Envelope[] = []
const handlers = [
  defineHandler('notes.hear', { on: NoteTaken, handle: (event) => void heard.push(event) }),
  handlerThat(() => Promise.reject(new Error('no')), { name: 'notes.fail', maxAttempts: 1, onDead: 'block' }),
]

let opened: TestBus
let application: Pool

beforeAll(async () => {
  for (const type of TYPES) types.setTypeParser(type, (text: unknown) => ({ parsed: String(text) }))
  defaults.parseInt8 = true
  defaults.parseInputDatesAsUTC = true
  opened = await openTestBus({ handlers })
  application = new Pool({ connectionString: opened.connectionString })
})

afterAll(async () => {
  await application.end()
  await opened.close()
})

beforeEach(async () => {
  heard.length = 0
  await emptyTables(opened.database)
})

test.each([
  ['its own connections', () => opened.bus],
  ['a pool that it was given', busOnAPool],
])(
  'with every type parser of the process replaced, a bus on %s publishes, handles, and serves operators',
  async (_, made) => {
    const bus = made()
    const event = NoteTaken({ n: 1, key: 'red' })
    const published = await bus.publish(event)
    const counts = await bus.worker().drain()

    expect(published).toEqual({ events: [{ id: event.id, deliveries: 2, duplicate: false }] })
    expect(counts).toMatchObject({ done: 1, dead: 1 })
    expect(heard[0]).toMatchObject({ id: event.id, occurredAt: event.occurredAt })
    await expectOperatorsToSee(bus, event)
  },
)

test('pg’s type parsers do not change the result of `publish` or of a drain in a transaction', async () => {
  const client = await application.connect()
  await client.query('begin')
  const event = NoteTaken({ n: 2 })

  // The parser of `text` has to return the text unchanged.
  types.setTypeParser(25, String)
  const published = await opened.bus.publish(event, { tx: client })
  const counts = await drainEvents({ bus: opened.bus, tx: client })
  await client.query('rollback')
  client.release()

  expect(published.events).toEqual([{ id: event.id, deliveries: 2, duplicate: false }])
  expect(counts).toMatchObject({ done: 1, dead: 1 })
  expect(heard[0]?.occurredAt).toEqual(event.occurredAt)
})

test('if a parser changes texts, the error names the setting, and no event counts as published', async () => {
  types.setTypeParser(25, (text: unknown) => ({ parsed: `${String(text)}!` }))
  const client = await application.connect()
  await client.query('begin')

  const refusal = await opened.bus.publish(NoteTaken({ n: 3 }), { tx: client }).catch((error: unknown) => error)
  await client.query('rollback')
  client.release()

  expect(refusal).toMatchObject({
    code: 'POSTBUS_ROWS_CHANGED',
    message: expect.stringContaining('pg.types.setTypeParser') as unknown,
  })
})

test('the bus requests no rows in binary form, because pg would read them wrong', async () => {
  defaults.binary = true
  onTestFinished(() => void (defaults.binary = false))
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers, onSignal: () => undefined })
  onTestFinished(() => bus.close())
  const event = NoteTaken({ n: 4 })

  await bus.publish(event)
  expect(await bus.worker().drain()).toMatchObject({ done: 1, dead: 1 })

  expect(heard[0]?.occurredAt).toEqual(event.occurredAt)
  expect(await bus.deadLetters.list()).toMatchObject({ deadLetters: [{ eventId: event.id }] })
})

test('limits that the application sets for all its connections do not apply to ours', async () => {
  Object.assign(defaults, { statement_timeout: 1_234, lock_timeout: 1_234, idle_in_transaction_session_timeout: 1_234 })
  onTestFinished(() => {
    Object.assign(defaults, { statement_timeout: 0, lock_timeout: 0, idle_in_transaction_session_timeout: 0 })
  })
  const { connectionString } = opened
  const connection = createConnection({ connectionString, poolSize: 1, connectTimeoutMs: 5_000, queryTimeoutMs: 9_000 })
  onTestFinished(() => connection.close())

  const database = await connection.pool()
  const { rows } = await database.query(`select current_setting('statement_timeout') as statement,
    current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`)

  expect(rows).toEqual([{ statement: '10s', lock: '0', idle: '0' }])
})

test('a pool that reads rows in binary form is refused, and the error names the option', async () => {
  const pool = new Pool({ connectionString: opened.connectionString, binary: true } as object)
  const bus = createBus({ pool, handlers, onSignal: () => undefined })
  onTestFinished(() => pool.end())

  await expect(bus.deadLetters.list()).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_OPTIONS',
    message: expect.stringContaining('`binary: true`') as unknown,
  })
})

function busOnAPool(): Bus {
  const bus = createBus({ pool: application, handlers, onSignal: () => undefined })
  onTestFinished(() => bus.close())
  return bus
}

async function expectOperatorsToSee(bus: Bus, event: Envelope) {
  const [letter] = (await bus.deadLetters.list()).deadLetters
  expect(letter).toMatchObject({ eventId: event.id, handler: 'notes.fail', blocksKey: true })
  expect(letter?.attempts).toMatchObject([{ attempt: 1, message: 'no' }])
  expect(letter?.diedAt).toBeInstanceOf(Date)
  expect(await bus.deadLetters.count()).toBe(1)
  const [lane] = (await bus.lanes.list()).lanes
  expect(lane).toMatchObject({ state: 'blocked', behind: 0, partitionKey: 'red', dueAt: null })
  expect(lane?.since).toBeInstanceOf(Date)
  expect(await bus.lanes.show({ handler: 'notes.fail', partitionKey: 'red' })).toMatchObject({ eventId: event.id })
  expect((await bus.doctor()).filter(({ status }) => status === 'problem')).toEqual([])
  expect(await bus.lanes.retry({ handler: 'notes.fail', partitionKey: 'red' })).toEqual({ count: 1 })
}
