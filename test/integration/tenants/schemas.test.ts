/** Buses for tenants, made from one bus: what they share, and what they do not share. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBus, type Bus, type BusSignal } from '../../../src/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { aSignal, handlerThat, NoteTaken } from '../../support/notes.ts'
import { until } from '../../support/until.ts'

let opened: TestBus
let bus: Bus
const taken: string[] = []

beforeAll(async () => {
  const take = handlerThat((n, { bus: of, publish }) => {
    taken.push(`${of.name}: ${n}`)
    return n === 1 ? publish(NoteTaken({ n: 100 })) : undefined
  })
  opened = await openTestBus({ handlers: [take] })
  bus = opened.bus
  for (const name of ['tenant_a', 'tenant_b']) await bus.forSchema(name).migrate()
})

afterAll(() => opened.close())

test('an event of one tenant never reaches the handlers of another, and neither do the events that it causes', async () => {
  const [a, b] = [bus.forSchema('tenant_a'), bus.forSchema('tenant_b')]
  const { events } = await a.publish(NoteTaken({ n: 1, key: 'k' }))
  await b.publish(NoteTaken({ n: 2, key: 'k' }))

  const ofB = await b.drain()
  const ofMain = await bus.drain()
  expect([ofB.done, ofMain.done, taken]).toEqual([1, 0, ['tenant_b: 2']])
  await a.drain()

  expect(taken).toEqual(['tenant_b: 2', 'tenant_a: 1', 'tenant_a: 100'])
  expect((await a.events.tree(events[0]!.id))?.caused.map(({ event }) => event.data)).toMatchObject([{ n: 100 }])
  expect(await Promise.all([a, b, bus].map((one) => one.events.count()))).toEqual([2, 1, 0])
})

test('a transaction of the application publishes for any tenant, and a rollback undoes the events of all', async () => {
  const client = await opened.database.connect()
  try {
    await client.query('begin')
    await bus.forSchema('tenant_a').publish(NoteTaken({ n: 8 }), { tx: client })
    await bus.forSchema('tenant_b').publish(NoteTaken({ n: 9 }), { tx: client })
    await client.query('rollback')
  } finally {
    client.release()
  }

  const found = await Promise.all(['tenant_a', 'tenant_b'].map((name) => bus.forSchema(name).drain()))
  expect(found.map(({ done }) => done)).toEqual([0, 0])
})

describe('one name is one bus', () => {
  test('each call returns the same bus, also through a tenant’s bus, and the main schema returns the main bus', () => {
    const a = bus.forSchema('tenant_a')

    expect(bus.forSchema('tenant_a')).toBe(a)
    expect(a.forSchema('tenant_b')).toBe(bus.forSchema('tenant_b'))
    expect([bus.forSchema('postbus'), a.forSchema('postbus')]).toEqual([bus, bus])
    expect([a.name, a.schema, bus.name, bus.schema]).toEqual(['tenant_a', 'tenant_a', 'postbus', 'postbus'])
  })

  test.each([
    ['Tenant', 'expected the name of a schema'],
    ['tenant-a', 'expected the name of a schema'],
    ['a"; drop schema public; --', 'expected the name of a schema'],
    ['a'.repeat(42), 'at most 41 characters'],
    [undefined, 'expected the name of a schema'],
    ['pg_temp', 'taken by Postgres'],
    ['public', 'taken by Postgres'],
    ['pgboss', 'where another bus has its deliveries'],
    ['tenant_a_pgboss', 'where another bus has its deliveries'],
  ])('%j is refused', (name, problem) => {
    const call = () => bus.forSchema(name as string)
    expect(call).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
    expect(call).toThrow(problem)
  })

  test('a name is refused if its pg-boss schema is the bus’s own', () => {
    const odd = createBus({ schema: 'events', pgbossSchema: 'shop_pgboss' })
    expect(() => odd.forSchema('shop')).toThrow('where another bus has its deliveries')
  })
})

test('a tenant’s bus is closed together with the main bus, or separately', async () => {
  const { connectionString } = opened
  const first = createBus({ connectionString, handlers: [], onSignal: () => undefined })
  const [a, b] = [first.forSchema('tenant_a'), first.forSchema('tenant_b')]

  await a.close()
  await expect(a.publish(NoteTaken({ n: 4 }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  expect(first.forSchema('tenant_a')).not.toBe(a)
  await expect(first.forSchema('tenant_a').events.count()).resolves.toBe(2)
  await first.close()

  await expect(b.events.count()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  expect(() => first.forSchema('tenant_c')).toThrow(expect.objectContaining({ code: 'POSTBUS_CLOSED' }))
})

test('another database has its own connections, transaction and tenants', async () => {
  const other = await openTestBus()
  const begun: string[] = []
  const { promise: handled, resolve } = aSignal<string>()
  const handler = handlerThat((_, { bus: of }) => resolve(of.name), { transactional: true })
  const first = createBus({
    connectionString: opened.connectionString,
    handlers: [handler],
    onSignal: () => undefined,
    transaction: async () => void begun.push('of the first'),
  })
  const shard = first.forDatabase('shard-1', {
    connectionString: other.connectionString,
    async transaction(work, { name, schema }) {
      begun.push(`${name} ${schema}`)
      const client = await other.database.connect()
      await client.query('begin')
      await work(client)
      await client.query('commit')
      client.release()
    },
  })
  const tenant = shard.forSchema('tenant_a')
  expect(tenant).toBe(
    first.forDatabase('shard-1', { connectionString: 'postgres://is.not/asked' }).forSchema('tenant_a'),
  )
  expect(tenant).not.toBe(first.forSchema('tenant_a'))

  await tenant.migrate()
  await tenant.publish(NoteTaken({ n: 7 }))
  await tenant.drain()

  expect([await handled, begun]).toEqual(['shard-1/tenant_a', ['shard-1/tenant_a tenant_a']])
  expect(await shard.events.count()).toBe(0)
  const { rows } = await other.database.query('select from tenant_a.event')
  expect(rows).toHaveLength(1)
  await first.close()
  await expect(tenant.events.count()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await other.close()
})

test.each([
  ['Shard 1', { connectionString: 'postgres://x/y' }, 'expected a name of yours for the database'],
  ['shard-1', {}, 'where the other database is'],
  ['shard-1', { connectionString: 'postgres://x/y', connection: {} }, 'at most one of'],
  ['shard-1', { connectionString: 'postgres://x/y', handlers: [] }, 'handlers'],
])('forDatabase(%j, %j) is refused', (name, options, problem) => {
  expect(() => bus.forDatabase(name, options)).toThrow(problem)
})

test('reports of a tenant’s bus name the tenant', async () => {
  const signals: BusSignal[] = []
  const handler = handlerThat((_, { log }) => log.info('taken'))
  const { connectionString } = opened
  const first = createBus({ connectionString, handlers: [handler], onSignal: (signal) => signals.push(signal) })
  const worker = first.forSchema('tenant_b').worker()
  await worker.start()
  await first.forSchema('tenant_b').publish(NoteTaken({ n: 5 }))
  await until('the handler has logged', () => signals.some(({ name }) => name === 'handler.log'))
  await worker.stop()
  await first.close()

  const [started] = signals.filter(({ name }) => name === 'worker.started')
  expect(started).toMatchObject({
    message: expect.stringMatching(/^tenant_b: Working on/),
    fields: { bus: 'tenant_b' },
  })
  expect(signals.find(({ name }) => name === 'handler.log')).toMatchObject({
    message: 'taken',
    fields: { bus: 'tenant_b', handler: 'notes.take' },
  })
})
