/** `publish` keeps its promises in every backend: the same results, the same refusals, the same copies. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { z } from 'zod'
import {
  createBus,
  defineBatchHandler,
  defineEvent,
  defineHandler,
  type Bus,
  type BusOptions,
  type Envelope,
} from '../../src/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

const Noted = defineEvent('notes.noted', {
  schema: z.object({ text: z.string(), extra: z.unknown() }),
  partitionKey: (data) => (data.text === '' ? null : data.text),
})
const Unheard = defineEvent('notes.unheard', { schema: z.object({}) })

const seen: Envelope[] = []
const handlers = [
  defineHandler('notes.read', { on: Noted, handle: (event) => void seen.push(event) }),
  defineHandler('notes.shout', {
    on: 'notes.noted',
    interested: ({ data }) => (data as { text: string }).text.endsWith('!'),
    handle: () => undefined,
  }),
]

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await createDatabase()
  pool = new Pool({ connectionString: database.connectionString, max: 2 })
  const bus = busOn('postgres')
  await bus.migrate()
  await bus.close()
})

afterAll(async () => {
  await pool.end()
  await database.drop()
})

describe.each(['postgres', 'inline', 'mailbox'] as const)('%s', (backend) => {
  let bus: Bus

  beforeAll(() => {
    bus = busOn(backend)
    return () => bus.close()
  })

  test('an event is answered with its id and the number of its interested handlers', async () => {
    const events = [Noted({ text: 'calm', extra: 1 }), Noted({ text: 'loud!', extra: 1 }), Unheard({})]

    const answer = await bus.publish(events)

    expect(answer).toEqual({
      events: [1, 2, 0].map((deliveries, index) => ({ id: events[index]?.id, deliveries, duplicate: false })),
    })
  })

  test('an id that was published before is a duplicate, in a later call and within a list', async () => {
    const [one, other] = [Noted({ text: 'a', extra: 1 }), Noted({ text: 'b', extra: 1 })]
    await bus.publish(one)

    const { events } = await bus.publish([other, one, other])

    expect(events).toEqual([
      { id: other.id, deliveries: 1, duplicate: false },
      { id: one.id, deliveries: 0, duplicate: true },
      { id: other.id, deliveries: 0, duplicate: true },
    ])
  })

  test('a handler that reads the log is not counted: it is asked when it reads the event', async () => {
    const reading = defineHandler('notes.index', { on: Noted, delivery: 'log', shards: 1, handle: () => undefined })
    const other = busOn(backend, { handlers: [...handlers, reading] })

    const { events } = await other.publish(Noted({ text: 'calm', extra: 1 }))

    expect(events).toEqual([{ id: expect.any(String), deliveries: 1, duplicate: false }])
    await other.close()
  })

  test('a handler that runs inside publish is not counted, and has the transaction of the publisher', async () => {
    const given: unknown[] = []
    const check = defineHandler('notes.check', {
      on: Noted,
      runs: 'in-transaction',
      handle: (_, { tx }) => void given.push(tx),
    })
    const other = busOn(backend, { handlers: [...handlers, check] })
    const db = new Kysely({ dialect: new PostgresDialect({ pool }) })

    const { trx, answer } = await db.transaction().execute(async (tx) => ({
      trx: tx,
      answer: await other.publish(Noted({ text: 'calm', extra: 1 }), { tx }),
    }))

    expect(answer.events).toEqual([{ id: expect.any(String), deliveries: 1, duplicate: false }])
    expect(given).toEqual(backend === 'mailbox' ? [] : [trx])
    await other.close()
  })

  test('an empty list is answered with nothing', async () => {
    expect(await bus.publish([])).toEqual({ events: [] })
  })

  test.each([
    ['what cannot be serialised', () => Noted({ text: 'x', extra: () => 1 }), 'POSTBUS_UNSERIALIZABLE'],
    ['what is too large', () => Noted({ text: 'x', extra: 'x'.repeat(10_001) }), 'POSTBUS_TOO_LARGE'],
    ['an event type', () => Noted as never, 'POSTBUS_INVALID_EVENT'],
    ['a copy that was not checked', () => ({ ...Noted({ text: 'x', extra: 1 }) }), 'POSTBUS_INVALID_EVENT'],
    [
      'a changed key',
      () => Object.freeze({ ...Noted({ text: 'x', extra: 1 }), partitionKey: '' }),
      'POSTBUS_INVALID_EVENT',
    ],
  ])('%s is refused, together with the events beside it', async (_, make, code) => {
    const good = Noted({ text: 'good', extra: 1 })

    await expect((async () => bus.publish([good, make()]))()).rejects.toMatchObject({ name: 'PostbusError', code })

    const { events } = await bus.publish(good)
    expect(events[0]?.duplicate).toBe(false)
  })

  test.each([
    ['a pool', () => pool, 'POSTBUS_NOT_A_TRANSACTION'],
    ['a Kysely instance', () => new Kysely({ dialect: new PostgresDialect({ pool }) }), 'POSTBUS_NOT_A_TRANSACTION'],
    ['undefined', () => undefined, 'POSTBUS_NOT_A_TRANSACTION'],
    ['something else', () => ({ query: 'x' }), 'POSTBUS_NOT_A_TRANSACTION'],
  ])('%s in the place of a transaction is refused', async (_, tx, code) => {
    const publishing = bus.publish(Noted({ text: 'x', extra: 1 }), { tx: tx() as never })

    await expect(publishing).rejects.toMatchObject({ name: 'PostbusError', code })
  })

  test('a transaction that has ended is refused', async () => {
    const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
    const ended = await db.transaction().execute(async (trx) => trx)

    const publishing = bus.publish(Noted({ text: 'x', extra: 1 }), { tx: ended })

    await expect(publishing).rejects.toMatchObject({ code: 'POSTBUS_TRANSACTION_FINISHED' })
  })

  test('an open transaction is accepted', async () => {
    const db = new Kysely({ dialect: new PostgresDialect({ pool }) })

    const { events } = await db.transaction().execute((tx) => bus.publish(Noted({ text: 'x!', extra: 1 }), { tx }))

    expect(events).toEqual([{ id: expect.any(String), deliveries: 2, duplicate: false }])
  })

  test('a handler whose interest cannot be asked is named, and nothing is published', async () => {
    const broken = defineHandler('notes.broken', {
      on: Unheard,
      interested: () => null as never,
      handle: () => undefined,
    })
    const other = busOn(backend, { handlers: [broken] })

    await expect(other.publish(Unheard({}))).rejects.toMatchObject({ code: 'POSTBUS_INTERESTED_FAILED' })
    await other.close()
  })

  test('a bus that was closed publishes no more', async () => {
    const closed = busOn(backend)
    await closed.close()

    await expect(closed.publish(Noted({ text: 'x', extra: 1 }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  })
})

describe.each(['postgres', 'inline'] as const)('%s', (backend) => {
  test('a handler gets a decoded copy of the whole event, with what publishing adds to it', async () => {
    const bus = busOn(backend, { source: 'test' })
    const data = {
      text: 'rich',
      extra: { at: new Date(0), big: 1n, set: new Set([1]), nothing: undefined, nan: Number.NaN },
    }
    const event = Noted(data, { metadata: { tenant: 'a' }, ttlMs: 60_000, causationId: 'c' })
    seen.length = 0

    await bus.publish(event)
    if (backend === 'postgres') await bus.worker().drain()

    const received = seen.find(({ id }) => id === event.id)
    expect(received).toEqual({ ...event, source: 'test', correlationId: event.id })
    expect(received?.data).not.toBe(event.data)
    expect(Object.isFrozen(received)).toBe(true)
    await bus.close()
  })

  test('a batch handler gets what every handler gets, in a list, if it is interested', async () => {
    const read: Envelope[] = []
    const storing = defineBatchHandler('notes.store-loud', {
      on: Noted,
      maxWaitMs: 60_000,
      interested: ({ data }) => data.text.endsWith('!'),
      handle: (events) => void read.push(...events),
    })
    const bus = busOn(backend, { handlers: [storing], source: 'test' })
    const events = ['loud!', 'louder!'].map((text) => Noted({ text, extra: new Set([1]) }, { metadata: { a: 'b' } }))
    await bus.publish([Noted({ text: 'calm', extra: 1 }), ...events])
    if (backend === 'postgres') await bus.worker().drain()

    expect(read).toEqual(events.map((event) => ({ ...event, source: 'test', correlationId: event.id })))
    await bus.close()
  })

  test('a handler that reads the log gets what every handler gets, if it is interested', async () => {
    const read: Envelope[] = []
    const reading = defineHandler('notes.index-loud', {
      on: Noted,
      delivery: 'log',
      shards: 2,
      interested: ({ data }) => data.text.endsWith('!'),
      handle: (event) => void read.push(event),
    })
    const bus = busOn(backend, { handlers: [reading], source: 'test' })
    if (backend === 'postgres') await bus.migrate()
    const event = Noted({ text: 'loud!', extra: new Set([1]) }, { metadata: { tenant: 'a' } })

    await bus.publish([Noted({ text: 'calm', extra: 1 }), event])
    if (backend === 'postgres') await bus.worker().drain()

    expect(read).toEqual([{ ...event, source: 'test', correlationId: event.id }])
    await bus.close()
  })
})

function busOn(backend: 'postgres' | 'inline' | 'mailbox', options: BusOptions = {}): Bus {
  const { connectionString } = database
  return createBus({
    backend,
    connectionString,
    handlers,
    maxPayloadBytes: 10_000,
    onSignal: () => undefined,
    ...options,
  })
}
