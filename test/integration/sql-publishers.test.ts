/** `postbus.publish_event`: events that SQL publishes are stored and delivered like events that the code publishes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Noted, openSqlShop, OrderCreated, type SqlShop } from '../support/sql-shop.ts'
import { emptyTables, storedDeliveries, storedEvents, type DeliveryRow, type StoredRow } from '../support/stored.ts'
import { until } from '../support/until.ts'

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

test('an event from SQL reaches every handler, with its data parsed by its schema', async () => {
  const id = await shop.publish(`'orders.order-created', $1, partition_key => 'o-1', source => 'psql'`, [
    JSON.stringify(order),
  ])

  const counts = await shop.bus.worker().drain()

  expect(counts).toMatchObject({ done: 3, dead: 0 })
  expect(shop.seen).toHaveLength(2)
  for (const event of shop.seen)
    expect(event).toMatchObject({ id, data: { ...order, placedAt: new Date(A_DAY) }, correlationId: id })
  expect(await shop.endsOf(id)).toEqual({
    'audit.everything': ['done', null],
    'finances.invoice': ['done', null],
    'stock.large': ['skipped', 'The handler is not interested. The event is from SQL, so it was asked by a worker.'],
  })
})

test('its row and its deliveries equal the ones that the code would have written, except for the mark as unparsed', async () => {
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

  await shop.publish(
    `'orders.order-created', $1, partition_key => 'o-1', id => $2, occurred_at => $3, correlation_id => 'c-1', source => 'shop', metadata => '{"tenant":"a"}'`,
    [JSON.stringify(order), id, A_DAY],
  )
  const ofSql = await rows()

  const bare = (row: StoredRow) => ({ ...row, seq: '', payload: '' })
  const delivery = (row: DeliveryRow) => ({ ...row, id: '', due_in_seconds: 0 })
  expect(ofSql.events.map(bare)).toEqual(ofCode.events.map(bare))
  expect(ofSql.deliveries.map(delivery)).toEqual(ofCode.deliveries.map(delivery))
  expect(ofSql.deliveries).toHaveLength(2)
  expect(ofSql.times).toEqual([{ kept: 86_400, expires: 3_600 }])
  expect(ofSql.times).toEqual(ofCode.times)
  expect(JSON.parse(ofSql.events[0]?.payload ?? '')).toEqual({ json: order, unparsed: true })
})

test('it belongs to the transaction of its caller, and to its savepoints', async () => {
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

  await shop.bus.worker().drain()

  expect(shop.seen.map(({ data }) => data)).toEqual(['kept', 'kept too'])
})

test('in one transaction with the code, events have the order of the calls', async () => {
  const client = await shop.database.connect()
  const tx = { executeSql: (text: string, values: readonly unknown[]) => client.query(text, [...values]) } // it cannot know whether it is in a transaction
  const byCode = (text: string) => shop.bus.publish(Noted(text), { tx })
  const bySql = (text: string) =>
    client.query(`select postbus.publish_event('orders.noted', to_jsonb($1::text))`, [text])
  await client.query('begin')
  await byCode('1')
  await bySql('2')
  await byCode('3')
  await bySql('4')
  await client.query('commit')
  await bySql('5')

  // An earlier publish_event outside a transaction does not let the code publish outside one by mistake.
  await expect(byCode('6')).rejects.toMatchObject({ code: 'POSTBUS_TRANSACTION_FINISHED' })
  client.release()
  await shop.bus.worker().drain()

  expect(shop.seen.map(({ data }) => data)).toEqual(['1', '2', '3', '4', '5'])
})

test('a worker is woken at the commit, both of a single statement and of a transaction', async () => {
  const worker = shop.bus.worker({ pollMs: 60_000 })
  await worker.start()

  await shop.publish(`'orders.noted', '1'`)
  await until('it was handled', () => shop.seen.length === 1)
  await shop.database.query(`begin; select postbus.publish_event('orders.noted', '2'); commit`)
  await until('the second was handled', () => shop.seen.length === 2)
  const open = await shop.database.connect()
  await open.query(`begin; select postbus.publish_event('orders.noted', '4')`)
  await shop.publish(`'orders.noted', '3'`)
  await until(
    'the third was handled, though another transaction has published and not ended',
    () => shop.seen.length === 3,
  )
  await open.query('commit')
  await until('the fourth was handled', () => shop.seen.length === 4)
  open.release()
  await worker.stop()

  expect(shop.seen.map(({ data }) => data)).toEqual([1, 2, 3, 4])
})

describe('an event type', () => {
  test('in an older version is checked by its own schema, and reaches handlers upcast', async () => {
    await shop.publish(`'sensors.measured', '{"fahrenheit": "212"}'`)
    await shop.publish(`'probes.measured', '{"kelvin": 373.15}', version => 2`)
    await shop.publish(`'sensors.measured', '{"celsius": 100}', version => 3`)

    await shop.bus.worker().drain()

    expect(shop.seen.map(({ type, version, data }) => [type, version, data])).toEqual(
      Array.from({ length: 3 }, () => ['sensors.measured', 3, { celsius: 100 }]),
    )
    expect((await storedEvents(shop.database)).map(({ type }) => type)).toEqual(
      Array.from({ length: 3 }, () => 'probes.measured'),
    )
  })

  test('in an older version whose own schema refuses the data becomes a dead letter', async () => {
    await shop.publish(`'sensors.measured', '{"fahrenheit": "warm"}'`)

    expect(await shop.bus.worker().drain()).toMatchObject({ dead: 1 })
    expect((await shop.bus.deadLetters.list()).deadLetters[0]?.reason).toContain('fahrenheit')
  })

  test('with a finishedEvent is followed by it', async () => {
    const id = await shop.publish(`'imports.started', '{"file": "a.csv"}'`)

    await shop.bus.worker().drain()

    const { events } = await shop.bus.events.list({ type: 'imports.finished' })
    expect(events).toEqual([expect.objectContaining({ data: { file: 'a.csv' }, causationId: id })])
  })
})

test('an event published for later waits, and wakes no worker before its time', async () => {
  await shop.publish(`'orders.noted', '"later"', delay => '1 hour'`)
  await shop.publish(`'orders.noted', '"now"', at => now() - interval '1 day'`)

  await shop.bus.worker().drain()

  expect(shop.seen.map(({ data }) => data)).toEqual(['now'])
  const { rows } = await shop.database.query(
    `select round(extract(epoch from due_at - published_at)) as seconds from postbus.event where due_at is not null`,
  )
  expect(rows).toEqual([{ seconds: '3600' }])
})

test('an id that is stored already is not published again, and is returned', async () => {
  const id = '0198C0DE-0000-7000-8000-000000000002'
  const first = await shop.publish(`'orders.noted', '1', id => '${id}'`)
  const second = await shop.publish(`'orders.noted', '2', id => '${id}'`)

  await shop.bus.worker().drain()

  expect([first, second]).toEqual([id.toLowerCase(), id.toLowerCase()])
  expect(shop.seen.map(({ data }) => data)).toEqual([1])
})

test('generated ids are of version 7, in the order of time', async () => {
  const before = Date.now() - 60_000
  const id = await shop.publish(`'orders.noted', '1'`)

  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const at = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
  expect(at).toBeGreaterThan(before)
  expect(at).toBeLessThan(Date.now() + 60_000)
})

test('bus.publishableTypes() lists the types that SQL can publish, and their handlers', async () => {
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
