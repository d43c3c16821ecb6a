/** The record of events moves between databases with its ids, times and order. Handlers get the events only by a replay. */
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createBus, type Bus, type ExportedEvent } from '../../src/index.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { emptyTables } from '../support/stored.ts'

const COLUMNS = `id, type, version, partition_key, payload::text, correlation_id, causation_id, caused_by_handler, initialized_at::text,
  source, metadata::text, redacted, occurred_at::text, published_at::text, expires_at::text`
let stored: StoredEvents
let elsewhere: Pool
let other: Bus
let otherUrl: string

beforeAll(async () => {
  stored = await openStoredEvents()
  await stored.database.query('create database elsewhere')
  const url = new URL(stored.connectionString)
  url.pathname = '/elsewhere'
  otherUrl = url.href
  elsewhere = new Pool({ connectionString: otherUrl, max: 2 })
  other = createBus({ connectionString: otherUrl, handlers: [stored.noting()], onSignal: () => undefined })
  await other.migrate()
})

afterEach(async () => {
  await stored.tidy()
  await emptyTables(elsewhere)
})

afterAll(async () => {
  await other.close()
  await elsewhere.end()
  await stored.close()
})

test('exported and imported events are the same record in the same order, also for unknown types', async () => {
  const bus = stored.busWith([])
  await bus.withContext({ correlationId: 'request 1', source: 'api', metadata: { user: 'ada' } }, () =>
    stored.publish(bus, numbers(700)),
  )
  await stored.database.query(`insert into postbus.event (id, type, version, payload, correlation_id, occurred_at)
    values (gen_random_uuid(), 'long.forgotten', 7, '{"json":{"big":12345678901234567890,"nul":"\\u0000"}}', 'x', now())`)
  await bus.publish(NoteTaken({ n: 0, key: 'erased' }))
  await bus.events.redact({ partitionKey: 'erased' })

  const report = await other.events.import(bus.events.export())

  expect(report).toEqual({ count: 702, duplicates: 0, pastRetention: 0 })
  expect(await record(elsewhere)).toEqual(await record(stored.database))
  await drained(other)
  expect(stored.took()).toEqual([])
})

test('duplicates are ignored, so an interrupted import can be repeated', async () => {
  const bus = stored.busWith([])
  await stored.publish(bus, numbers(3))
  await other.events.import(await first(bus, 2))

  expect(await other.events.import(bus.events.export(), { by: 'ada', reason: 'it was cut off' })).toEqual({
    count: 1,
    duplicates: 2,
    pastRetention: 0,
  })
  expect((await other.acts.list()).acts).toMatchObject([
    { act: 'events.import', by: 'ada', reason: 'it was cut off', count: 1 },
    { act: 'events.import', by: null, count: 2 },
  ])
})

test('an imported event reaches a handler by a replay', async () => {
  const bus = stored.busWith([])
  await stored.publish(bus, numbers(3))
  await other.events.import(bus.events.export())

  await (
    await other.replay({ handler: 'notes.take' })
  ).done
  await drained(other)

  expect(stored.took()).toEqual(numbers(3))
})

test('events that are older than the retention are stored, and counted', async () => {
  const bus = stored.busWith([])
  await stored.publish(bus, [1, 2])
  await stored.database.query(
    `update postbus.event set published_at = now() - interval '1 year' where seq = (select min(seq) from postbus.event)`,
  )

  expect(await other.events.import(bus.events.export())).toMatchObject({ count: 2, pastRetention: 1 })
})

test('an export is filtered like a replay, and ends with the events published before it began', async () => {
  const bus = stored.busWith([])
  await stored.publish(bus, [1, 2], 'one')
  await stored.publish(bus, [3], 'two')
  const exported: ExportedEvent[] = []

  for await (const event of bus.events.export({ types: [NoteTaken], partitionKeys: ['one'] })) {
    if (exported.push(event) === 1) await stored.publish(bus, [4], 'one')
  }

  expect(exported.map(({ payload }) => JSON.parse(payload) as object)).toMatchObject([
    { json: { n: 1 } },
    { json: { n: 2 } },
  ])
})

test('bad input is refused with a code, and the error names the event', async () => {
  const bus = stored.busWith([])
  await stored.publish(bus, [1, 2])
  const [one, two] = await first(bus, 2)
  const wrong = [{ ...two, payload: '{' }, { ...two, unknown: 1 }, { ...two, id: 'x' }, 'text', null]

  for (const event of wrong) {
    await expect(other.events.import([one, event])).rejects.toMatchObject({
      code: 'POSTBUS_INVALID_EVENT',
      message: expect.stringContaining('Event 2'),
    })
  }
  expect(() => bus.events.export({ typs: [] } as object)).toThrow(
    expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }),
  )
  expect(await record(elsewhere)).toEqual([])
})

test('postbus events export writes one event per line, and postbus events import reads them', async () => {
  const bus = stored.busWith([handlerThat(() => undefined)])
  await stored.publish(bus, numbers(3))

  const exported = await postbus(stored.connectionString, ['events', 'export', '--type', 'notes.*'])
  const imported = await postbus(otherUrl, ['events', 'import', '-', '--json'], { input: exported.out })

  expect(exported).toMatchObject({ code: 0, err: '3 events exported.\n' })
  expect(linesOf(exported.out)).toHaveLength(3)
  expect(imported).toMatchObject({ code: 0, err: '3 events imported, 0 were there already.\n' })
  expect(imported.json()).toEqual([{ count: 3, duplicates: 0, pastRetention: 0 }])
  expect(await record(elsewhere)).toEqual(await record(stored.database))
})

test.each([
  [['import', '-'], 1, 'POSTBUS_INVALID_EVENT: Line 1 is not JSON'],
  [['import'], 2, 'or postbus events import FILE'],
  [['import', '-', '--type', 'notes.*'], 2, 'it takes all events of the file'],
] as const)('postbus events %j exits with code %i and says what is wrong', async (words, code, message) => {
  const ended = await postbus(otherUrl, ['events', ...words], { input: '{"id"' })

  expect(ended).toMatchObject({ code, err: expect.stringContaining(message) })
})

async function first(bus: Bus, count: number): Promise<readonly ExportedEvent[]> {
  const events: ExportedEvent[] = []
  for await (const event of bus.events.export()) if (events.length < count) events.push(event)
  return events
}

async function record(database: Pool): Promise<readonly unknown[]> {
  const { rows } = await database.query<Record<string, unknown>>(`select ${COLUMNS} from postbus.event order by seq`)
  return rows
}
