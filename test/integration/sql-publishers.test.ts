/** `postbus.publish_event`: what SQL publishes is stored, delivered and checked like what the code publishes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineBatchHandler,
  defineEvent,
  defineHandler,
  shadow,
  upcast,
  type AnyHandler,
  type Envelope,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedCounts, storedDeliveries, storedEvents } from '../support/stored.ts'
import { until } from '../support/until.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.number().default(0), placedAt: z.coerce.date() }),
  partitionKey: ({ orderId }) => orderId,
  retentionMs: 86_400_000,
})
const Noted = defineEvent('orders.noted', { schema: z.unknown() })
const MeasuredV1 = defineEvent('sensors.measured', { schema: z.object({ fahrenheit: z.coerce.number() }) }) // no handler lists it
const Measured = defineEvent('sensors.measured', {
  version: 3,
  previousNames: ['probes.measured'],
  schema: z.object({ celsius: z.number() }),
  upcasts: {
    1: upcast(MeasuredV1, ({ fahrenheit }) => ({ kelvin: ((fahrenheit as number) - 32) / 1.8 + 273.15 })),
    2: (v2) => ({ celsius: Math.round((v2 as { kelvin: number }).kelvin - 273.15) }),
  },
})

const Letter = defineEvent('mail.letter', { schema: z.object({ to: z.string() }), partitionKey: ({ to }) => to })
const Guarded = defineEvent('orders.guarded', { schema: z.unknown() })
const ImportStarted = defineEvent('imports.started', {
  schema: z.object({ file: z.string() }),
  finishedEvent: ({ data }) => ImportFinished(data),
})
const ImportFinished = defineEvent('imports.finished', { schema: z.object({ file: z.string() }) })

const seen: Envelope[] = []
const note = (event: Envelope) => void seen.push(event)
const handlers: readonly AnyHandler[] = [
  defineHandler('finances.invoice', { on: OrderCreated, priority: 3, handle: note }),
  defineHandler('stock.large', { on: OrderCreated, interested: ({ data }) => data.total > 100, handle: note }),
  defineHandler('audit.everything', { on: /^orders\.(order|noted)/, queue: 'audit', handle: note }),
  defineHandler('sensors.store', { on: Measured, previousNames: ['probes.store'], handle: note }),
  defineHandler('mail.send', { on: Letter, ordered: false, handle: note }),
  defineBatchHandler('mail.count', {
    on: Letter,
    ordered: false,
    interested: ({ data }) => data.to !== 'ada',
    handle: (events) => events.forEach(note),
  }),
  defineHandler('mail.archive', {
    on: shadow(Letter),
    ordered: false,
    interested: ({ data }) => data.to === 'ada',
    handle: async (event) => note({ ...(await event.fetch()), source: 'shadow' }),
  }),
  defineHandler('mail.log', { on: Letter, delivery: 'log', interested: ({ data }) => data.to !== 'bob', handle: note }),
  defineHandler('guard.check', { on: Guarded, runs: 'in-transaction', handle: note }),
  defineHandler('imports.read', { on: ImportStarted, handle: note }),
]

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({
    handlers,
    events: [Noted, ImportFinished],
    ttlMs: 3_600_000,
    transaction: () => Promise.reject(new Error('not needed')),
  })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.bus.migrate() // the cursors of the log handler
  seen.length = 0
})

const A_DAY = '2026-01-31T12:00:00.000Z'
const order = { orderId: 'o-1', total: 42, placedAt: A_DAY }

async function publish(statement: string, values: readonly unknown[] = []): Promise<string> {
  const { rows } = await shop.database.query<{ id: string }>(`select postbus.publish_event(${statement}) as id`, [
    ...values,
  ])
  return rows[0]?.id ?? ''
}

test('an event from SQL reaches every handler, with what its schema makes of the data', async () => {
  const id = await publish(`'orders.order-created', $1, partition_key => 'o-1', source => 'psql'`, [
    JSON.stringify(order),
  ])

  const counts = await drained(shop.bus)

  expect(counts).toMatchObject({ done: 3, dead: 0 })
  expect(seen).toHaveLength(2)
  for (const event of seen)
    expect(event).toMatchObject({ id, data: { ...order, placedAt: new Date(A_DAY) }, correlationId: id })
  expect(await endsOf(id)).toEqual({
    'audit.everything': ['done', null],
    'finances.invoice': ['done', null],
    'stock.large': ['skipped', 'The handler is not interested. The event is from SQL, so it was asked by a worker.'],
  })
})

test('its row and its deliveries are those that the code would have written, but for the mark that it is unparsed', async () => {
  const rows = async () => {
    const events = await storedEvents(shop.database)
    const deliveries = (await storedDeliveries(shop.database)).filter(({ handler }) => handler !== 'stock.large')
    const times = await shop.database.query<{ kept: number; expires: number }>(
      `select extract(epoch from retained_until - published_at)::integer as kept, extract(epoch from expires_at - occurred_at)::integer as expires from postbus.event`,
    )
    await emptyTables(shop.database)
    return { events, deliveries, times: times.rows }
  }
  const id = '0198c0de-0000-7000-8000-000000000001'
  const about = { id, occurredAt: new Date(A_DAY), correlationId: 'c-1', source: 'shop', metadata: { tenant: 'a' } }
  await shop.bus.publish(OrderCreated({ ...order, placedAt: new Date(A_DAY) }, about))
  const [ofCode] = [await rows()]

  await publish(
    `'orders.order-created', $1, partition_key => 'o-1', id => $2, occurred_at => $3, correlation_id => 'c-1', source => 'shop', metadata => '{"tenant":"a"}'`,
    [JSON.stringify(order), id, A_DAY],
  )
  const ofSql = await rows()

  const bare = ({ seq: _, payload: __, ...row }: object & { seq?: string; payload?: string; id?: string }) => row
  const delivery = ({ id: _, due_in_seconds: __, ...row }: object & { id?: string; due_in_seconds?: number | null }) =>
    row
  expect(ofSql.events.map(bare)).toEqual(ofCode.events.map(bare))
  expect(ofSql.deliveries.map(delivery)).toEqual(ofCode.deliveries.map(delivery))
  expect(ofSql.deliveries).toHaveLength(2)
  expect(ofSql.times).toEqual([{ kept: 86_400, expires: 3_600 }])
  expect(ofSql.times).toEqual(ofCode.times)
  expect(JSON.parse(ofSql.events[0]?.payload ?? '')).toEqual({ json: order, unparsed: true })
})

test('it is in the transaction of its caller, savepoints too', async () => {
  const client = await shop.database.connect()
  const say = (text: string) => client.query(`select postbus.publish_event('orders.noted', to_jsonb($1::text))`, [text])
  await client.query('begin')
  await say('kept')
  await client.query('savepoint one')
  await say('undone')
  await client.query('rollback to one')
  await say('kept too')
  await client.query('commit')
  await client.query('begin')
  await say('undone as well')
  await client.query('rollback')
  client.release()

  await drained(shop.bus)

  expect(seen.map(({ data }) => data)).toEqual(['kept', 'kept too'])
})

test('a worker hears of it at the commit, from a statement alone and from a transaction', async () => {
  const worker = shop.bus.worker({ pollMs: 60_000 })
  await worker.start()

  await publish(`'orders.noted', '1'`)
  await until('it was handled', () => seen.length === 1)
  await shop.database.query(`begin; select postbus.publish_event('orders.noted', '2'); commit`)
  await until('the second was handled', () => seen.length === 2)

  await worker.stop()
})

describe('the data', () => {
  test('may be anything that JSON can say', async () => {
    const cases = [
      ['null', `'null'`, null],
      ['an array of json', `json_build_array(1, 'two', null)`, [1, 'two', null]],
      ['a number of jsonb', `to_jsonb(1.50)`, 1.5],
      ['a row', `to_jsonb(row(1, 'a'))`, { f1: 1, f2: 'a' }],
      ['a string with quotes', `'"it''s \\"so\\""'`, `it's "so"`],
      ['text of the escape of NUL', `'{"a\\u0000b": "\\u0000"}'`, { 'a\u0000b': '\u0000' }],
      ['half of a pair of surrogates', `'"\\ud800"'::json`, '\ud800'],
      ['keys that stand twice', `'{"a": 1, "a": 2}'::json`, { a: 2 }],
      ['varchar', `'[]'::varchar`, []],
      ['a megabyte', `to_jsonb(repeat('ä', 500000))`, 'ä'.repeat(500_000)],
      [
        'what looks like a document',
        `'{"json": 1, "unparsed": false, "meta": {}}'`,
        { json: 1, unparsed: false, meta: {} },
      ],
    ] as const
    for (const [, sql] of cases) await publish(`'orders.noted', ${sql}`)

    await drained(shop.bus)

    for (const [place, [what, , expected]] of cases.entries()) expect(seen[place]?.data, what).toEqual(expected)
    expect(seen).toHaveLength(cases.length)
  })

  test('is a dead letter at once if it has a key that can harm the reader, or is deeper than what can be read', async () => {
    await publish(`'orders.noted', '{"__proto__": 1}'`)
    await publish(`'orders.noted', (repeat('[', 300) || repeat(']', 300))::json`)

    const counts = await drained(shop.bus)

    expect(counts).toMatchObject({ dead: 2, failed: 0 })
    const { deadLetters } = await shop.bus.deadLetters.list()
    expect(deadLetters.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([expect.stringContaining('"__proto__"'), expect.stringContaining('levels deep')]),
    )
  })

  test('that the schema does not accept is a dead letter at once, with every problem; and shown as it is', async () => {
    const id = await publish(`'orders.order-created', '{"orderId": 7, "placedAt": "never"}', partition_key => '7'`)

    const counts = await drained(shop.bus)

    expect(counts).toMatchObject({ dead: 3, failed: 0, done: 0 })
    const status = await shop.bus.events.status(id)
    expect(status?.deliveries.find(({ handler }) => handler === 'finances.invoice')?.errors).toEqual([
      expect.objectContaining({
        code: 'POSTBUS_INVALID_EVENT',
        message: expect.stringMatching(/2 problems\n.*orderId\n.*placedAt/s) as unknown,
      }),
    ])
    const data = { orderId: 7, placedAt: 'never' }
    expect(await shop.bus.events.get(id)).toMatchObject({ data, isUnparsed: true, isRaw: false })
    expect((await shop.bus.events.list()).events).toEqual([expect.objectContaining({ data, isUnparsed: true })])
    await expect(shop.bus.events.get(OrderCreated, id)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_EVENT' })
  })

  test('is parsed for who asks for it by its event type, and for a replay', async () => {
    const id = await publish(`'orders.order-created', $1, partition_key => 'o-1'`, [JSON.stringify(order)])
    await drained(shop.bus)
    seen.length = 0

    const typed = await shop.bus.events.get(OrderCreated, id)
    const replay = await shop.bus.replay({ handler: 'stock.large' }, { by: 'ada' })
    const invoices = await shop.bus.replay({ handler: 'finances.invoice' }, { by: 'ada' })
    const counts = [(await replay.done).count, (await invoices.done).count]
    await drained(shop.bus)

    expect(typed?.data.placedAt).toEqual(new Date(A_DAY))
    expect(typed).not.toHaveProperty('isUnparsed')
    expect(counts).toEqual([0, 1])
    expect(seen).toEqual([expect.objectContaining({ data: { ...order, placedAt: new Date(A_DAY) } })])
  })
})

describe('a handler that is interested in some events only', () => {
  test('is asked in the worker: also a batch handler, a shadow, and one that reads the log', async () => {
    const ids = Object.fromEntries(
      await Promise.all(
        ['ada', 'bob'].map(async (to) => [
          to,
          await publish(`'mail.letter', jsonb_build_object('to', $1::text), partition_key => $1`, [to]),
        ]),
      ),
    ) as Record<string, string>

    await drained(shop.bus)

    expect(await endsOf(ids['ada'] ?? '')).toMatchObject({
      'mail.send': ['done', null],
      'mail.count': ['skipped', expect.any(String)],
      'mail.archive': ['done', null],
      'mail.log': ['done', null],
    })
    expect(await endsOf(ids['bob'] ?? '')).toMatchObject({
      'mail.send': ['done', null],
      'mail.count': ['done', null],
      'mail.archive': ['skipped', expect.any(String)],
    })
    expect(seen.filter(({ source }) => source === 'shadow').map(({ data }) => data)).toEqual([{ to: 'ada' }])
    expect(seen).toHaveLength(5)
  })

  test('is not asked again by a worker for what the code has published', async () => {
    const asked: string[] = []
    const ask = defineHandler('mail.ask', {
      on: Letter,
      ordered: false,
      interested: ({ data }) => asked.push(data.to) > 0,
      handle: () => undefined,
    })
    const other = createBus({ connectionString: shop.connectionString, handlers: [ask], onSignal: () => undefined })

    await other.publish(Letter({ to: 'ada' }))
    await drained(other)
    await other.close()

    expect(asked).toEqual(['ada'])
  })
})

describe('an event type', () => {
  test('of an older version is checked by its own schema, and reaches handlers upcast', async () => {
    await publish(`'sensors.measured', '{"fahrenheit": "212"}'`)
    await publish(`'probes.measured', '{"kelvin": 373.15}', version => 2`)
    await publish(`'sensors.measured', '{"celsius": 100}', version => 3`)

    await drained(shop.bus)

    expect(seen.map(({ type, version, data }) => [type, version, data])).toEqual(
      Array.from({ length: 3 }, () => ['sensors.measured', 3, { celsius: 100 }]),
    )
    expect((await storedEvents(shop.database)).map(({ type }) => type)).toEqual(
      Array.from({ length: 3 }, () => 'probes.measured'),
    )
  })

  test('of an older version whose own schema refuses the data is a dead letter', async () => {
    await publish(`'sensors.measured', '{"fahrenheit": "warm"}'`)

    expect(await drained(shop.bus)).toMatchObject({ dead: 1 })
    expect((await shop.bus.deadLetters.list()).deadLetters[0]?.reason).toContain('fahrenheit')
  })

  test('that another one follows is followed', async () => {
    const id = await publish(`'imports.started', '{"file": "a.csv"}'`)

    await drained(shop.bus)

    const { events } = await shop.bus.events.list({ type: 'imports.finished' })
    expect(events).toEqual([expect.objectContaining({ data: { file: 'a.csv' }, causationId: id })])
  })
})

test('what is published for later waits, and wakes no one before', async () => {
  await publish(`'orders.noted', '"later"', delay => '1 hour'`)
  await publish(`'orders.noted', '"now"', at => now() - interval '1 day'`)

  await drained(shop.bus)

  expect(seen.map(({ data }) => data)).toEqual(['now'])
  const { rows } = await shop.database.query(
    `select round(extract(epoch from due_at - published_at)) as seconds from postbus.event where due_at is not null`,
  )
  expect(rows).toEqual([{ seconds: '3600' }])
})

test('an id that is stored already is not published again, and is returned', async () => {
  const id = '0198C0DE-0000-7000-8000-000000000002'
  const first = await publish(`'orders.noted', '1', id => '${id}'`)
  const second = await publish(`'orders.noted', '2', id => '${id}'`)

  await drained(shop.bus)

  expect([first, second]).toEqual([id.toLowerCase(), id.toLowerCase()])
  expect(seen.map(({ data }) => data)).toEqual([1])
})

test('ids that are not given are of version 7, by the time', async () => {
  const before = Date.now() - 60_000
  const id = await publish(`'orders.noted', '1'`)

  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const at = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
  expect(at).toBeGreaterThan(before)
  expect(at).toBeLessThan(Date.now() + 60_000)
})

describe('is refused, with a code, a detail and a hint, and nothing is stored', () => {
  const o = `'orders.order-created', '{}'`
  test('for everything that can be wrong with it', async () => {
    const cases = [
      ['PB010', `'orders.unheard-of', '{}'`, 'not registered'],
      ['PB010', `null, '{}'`, 'not registered'],
      ['PB011', `'orders.noted', '{}', version => 2`, 'no version 2'],
      ['PB011', `'orders.noted', '{}', version => null`, 'no version null'],
      ['PB012', o, 'needs a partition_key'],
      ['PB012', `${o}, partition_key => ''`, 'malformed'],
      ['PB012', `${o}, partition_key => repeat('ä', 257)`, 'malformed'],
      ['PB012', `${o}, partition_key => 'a', without_key => true`, 'says without_key'],
      ['PB012', `${o}, without_key => null`, 'partition_key'],
      ['PB012', `'orders.noted', '{}', partition_key => 'a'`, 'takes no partition_key'],
      ['PB013', `'orders.noted', null`, 'not JSON'],
      ['PB013', `'orders.noted', 'no json'`, 'not JSON'],
      ['PB013', `'orders.noted', '{"a":1}{"b":2}'`, 'not JSON'],
      ['PB013', `'orders.noted', ''`, 'not JSON'],
      ['PB013', `'orders.noted', 7`, 'not JSON'],
      ['PB013', `'orders.noted', now()`, 'not JSON'],
      ['PB013', `'orders.noted', '1', source => ''`, 'source'],
      ['PB013', `'orders.noted', '1', correlation_id => repeat('a', 513)`, 'correlation_id'],
      ['PB013', `'orders.noted', '1', causation_id => ''`, 'causation_id'],
      ['PB013', `'orders.noted', '1', metadata => '[]'`, 'metadata'],
      ['PB013', `'orders.noted', '1', metadata => jsonb_build_object('a', repeat('a', 20000))`, 'metadata'],
      ['PB013', `'orders.noted', '1', occurred_at => 'infinity'`, 'occurred_at'],
      ['PB013', `'orders.noted', '1', occurred_at => '12000-01-01'`, 'occurred_at'],
      ['PB013', `'orders.noted', '1', occurred_at => '0044-03-15 BC'`, 'occurred_at'],
      ['PB013', `'orders.noted', '1', ttl => '0'`, 'ttl'],
      ['PB013', `'orders.noted', '1', ttl => '9000 years'`, 'ttl'],
      ['PB013', `'orders.noted', '1', delay => '-1 s'`, 'due'],
      ['PB013', `'orders.noted', '1', delay => '366 days'`, 'due'],
      ['PB013', `'orders.noted', '1', at => 'infinity'`, 'due'],
      ['PB013', `'orders.noted', '1', at => now(), delay => '1 s'`, 'due'],
      ['PB014', `'orders.guarded', '1'`, 'cannot be published by SQL'],
      ['PB015', `'orders.noted', to_jsonb(repeat('a', 1048600))`, 'too large'],
      ['PB016', `${o}, partition_key => 'a', delay => '1 s'`, 'for later'],
    ] as const

    for (const [code, sql, message] of cases) {
      const refusal: unknown = await publish(sql).catch((error: unknown) => error)

      expect(refusal, sql).toMatchObject({
        code,
        message: expect.stringContaining(message) as unknown,
        detail: expect.stringMatching(/\.$/s) as unknown,
        hint: expect.stringMatching(/./) as unknown,
      })
    }
    expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
  })

  test('a key may be left out where that is said, and then there is no order', async () => {
    await publish(`'orders.order-created', $1, without_key => true`, [JSON.stringify(order)])

    await drained(shop.bus)

    expect(seen.map(({ partitionKey }) => partitionKey)).toEqual([null, null])
  })
})

test('bus.publishableTypes() says what SQL may publish, and who gets it', async () => {
  const types = await shop.bus.publishableTypes()

  expect(types.filter(({ type }) => type !== 'mail.letter')).toEqual([
    { type: 'imports.finished', version: 1, needsKey: false, services: ['main'], handlers: [] },
    { type: 'imports.started', version: 1, needsKey: false, services: ['main'], handlers: ['imports.read'] },
    { type: 'orders.guarded', version: 1, needsKey: false, services: ['main'], handlers: ['guard.check'] },
    { type: 'orders.noted', version: 1, needsKey: false, services: ['main'], handlers: ['audit.everything'] },
    {
      type: 'orders.order-created',
      version: 1,
      needsKey: true,
      services: ['main'],
      handlers: ['audit.everything', 'finances.invoice', 'stock.large'],
    },
    ...[1, 2, 3].map((version) => ({
      type: 'sensors.measured',
      version,
      needsKey: false,
      services: ['main'],
      handlers: ['sensors.store'],
    })),
  ])
})

async function endsOf(id: string): Promise<Record<string, unknown>> {
  const status = await shop.bus.events.status(id)
  return Object.fromEntries(status?.deliveries.map(({ handler, state, reason }) => [handler, [state, reason]]) ?? [])
}
