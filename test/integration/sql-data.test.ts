/** Data that SQL publishes is checked: at once by `publish_event` as far as it can, and by workers for the rest, which only the code knows. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBus, defineHandler } from '../../src/index.ts'
import { drained } from '../support/drained.ts'
import { Letter, openSqlShop, OrderCreated, type SqlShop } from '../support/sql-shop.ts'
import { emptyTables, storedCounts } from '../support/stored.ts'

let shop: SqlShop

beforeAll(async () => {
  shop = await openSqlShop()
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  shop.seen.length = 0
})

const A_DAY = '2026-01-31T12:00:00.000Z'
const order = { orderId: 'o-1', total: 42, placedAt: A_DAY }

describe('the data', () => {
  test('can be anything that JSON can express', async () => {
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
    for (const [, sql] of cases) await shop.publish(`'orders.noted', ${sql}`)

    await shop.bus.worker().drain()

    for (const [place, [what, , expected]] of cases.entries()) expect(shop.seen[place]?.data, what).toEqual(expected)
    expect(shop.seen).toHaveLength(cases.length)
  })

  test('becomes a dead letter at once if it has a key that can harm the reader, or is too deep to be read', async () => {
    await shop.publish(`'orders.noted', '{"__proto__": 1}'`)
    await shop.publish(`'orders.noted', (repeat('[', 300) || repeat(']', 300))::json`)

    const counts = await shop.bus.worker().drain()

    expect(counts).toMatchObject({ dead: 2, failed: 0 })
    const { deadLetters } = await shop.bus.deadLetters.list()
    expect(deadLetters.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([expect.stringContaining('"__proto__"'), expect.stringContaining('levels deep')]),
    )
  })

  test('becomes a dead letter at once if the schema refuses it, with every problem, and is shown unparsed', async () => {
    const id = await shop.publish(`'orders.order-created', '{"orderId": 7, "placedAt": "never"}', partition_key => '7'`)

    const counts = await shop.bus.worker().drain()

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

  test('is parsed when it is read with its event type, and for a replay', async () => {
    const id = await shop.publish(`'orders.order-created', $1, partition_key => 'o-1'`, [JSON.stringify(order)])
    await shop.bus.worker().drain()
    shop.seen.length = 0

    const typed = await shop.bus.events.get(OrderCreated, id)
    const replay = await shop.bus.replay({ handler: 'stock.large' }, { by: 'ada' })
    const invoices = await shop.bus.replay({ handler: 'finances.invoice' }, { by: 'ada' })
    const counts = [(await replay.done).count, (await invoices.done).count]
    await shop.bus.worker().drain()

    expect(typed?.data.placedAt).toEqual(new Date(A_DAY))
    expect(typed).not.toHaveProperty('isUnparsed')
    expect(counts).toEqual([0, 1])
    expect(shop.seen).toEqual([expect.objectContaining({ data: { ...order, placedAt: new Date(A_DAY) } })])
  })
})

describe('a handler that is interested in some events only', () => {
  test('is asked in the worker: also a batch handler, a shadow, and a handler that reads the log', async () => {
    await shop.bus.migrate() // the cursors of the handler that reads the log
    const ids = Object.fromEntries(
      await Promise.all(
        ['ada', 'bob'].map(async (to) => [
          to,
          await shop.publish(`'mail.letter', jsonb_build_object('to', $1::text), partition_key => $1`, [to]),
        ]),
      ),
    ) as Record<string, string>

    await drained(shop.bus)

    expect(await shop.endsOf(ids['ada'] ?? '')).toMatchObject({
      'mail.send': ['done', null],
      'mail.count': ['skipped', expect.any(String)],
      'mail.archive': ['done', null],
      'mail.log': ['done', null],
    })
    expect(await shop.endsOf(ids['bob'] ?? '')).toMatchObject({
      'mail.send': ['done', null],
      'mail.count': ['done', null],
      'mail.archive': ['skipped', expect.any(String)],
    })
    expect(shop.seen.filter(({ source }) => source === 'shadow').map(({ data }) => data)).toEqual([{ to: 'ada' }])
    expect(shop.seen).toHaveLength(5)
  })

  test('and throws when it is asked has a failed attempt', async () => {
    const ask = defineHandler('mail.ask', {
      on: Letter,
      ordered: false,
      maxAttempts: 1,
      interested: () => {
        throw new Error('who knows')
      },
      handle: () => undefined,
    })
    const other = createBus({
      connectionString: shop.connectionString,
      service: 'other',
      handlers: [ask],
      onSignal: () => undefined,
    })
    await other.migrate()
    await shop.publish(`'mail.letter', '{"to": "ada"}', partition_key => 'ada'`)
    await shop.database.query(`delete from postbus.registry where service = 'other'`)

    await drained(other)
    const { deadLetters } = await other.deadLetters.list({ handler: 'mail.ask' })
    await other.close()

    expect(deadLetters[0]?.attempts).toEqual([expect.objectContaining({ code: 'POSTBUS_INTERESTED_FAILED' })])
  })

  test('is not asked again by a worker about events that the code published', async () => {
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

describe('is refused, with a code, a detail and a hint, and nothing is stored', () => {
  const o = `'orders.order-created', '{}'`
  test('for every possible mistake', async () => {
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
      const refusal: unknown = await shop.publish(sql).catch((error: unknown) => error)

      expect(refusal, sql).toMatchObject({
        code,
        message: expect.stringContaining(message) as unknown,
        detail: expect.stringMatching(/\.$/s) as unknown,
        hint: expect.stringMatching(/./) as unknown,
      })
    }
    expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
  })

  test('without_key leaves the key out, and then there is no order', async () => {
    await shop.publish(`'orders.order-created', $1, without_key => true`, [JSON.stringify(order)])

    await drained(shop.bus)

    expect(shop.seen.map(({ partitionKey }) => partitionKey)).toEqual([null, null])
  })
})
