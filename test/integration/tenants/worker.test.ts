/** One worker for many tenants: they join and leave while it runs, and share its slots. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createBus, type AnyHandler, type Bus, type BusSignal, type TenantsWorker } from '../../../src/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { handlerThat, NoteTaken } from '../../support/notes.ts'
import { until } from '../../support/until.ts'

let opened: TestBus
let bus: Bus
let tenants: string[] = []
let signals: BusSignal[] = []
let started: TenantsWorker | null = null

beforeAll(async () => {
  opened = await openTestBus()
  bus = tenantsBus([handlerThat(() => undefined)])
  tenants = ['tenant_a', 'tenant_b', 'tenant_c']
  const migrations = await bus.tenants.migrate()
  expect(migrations.map(({ tenant, is }) => `${tenant} ${is}`)).toEqual(tenants.map((name) => `${name} migrated`))
  await bus.close()
})

afterEach(async () => {
  await started?.stop()
  await bus.close()
  signals = []
})

afterAll(() => opened.close())

function tenantsBus(handlers: AnyHandler[]): Bus {
  return createBus({
    connectionString: opened.connectionString,
    handlers,
    tenants: async () => tenants,
    onSignal: (signal) => signals.push(signal),
  })
}

test('tenants join and leave while it runs, and one that fails does not delay the others', async () => {
  const taken: string[] = []
  bus = tenantsBus([handlerThat((_, { bus: { name } }) => void taken.push(name))])
  tenants = ['tenant_a', 'not_there']
  const worker = (started = bus.tenants.worker({ lookEveryMs: 100 }))
  const http = worker.http()
  await worker.start()
  expect(worker.tenants()).toEqual(['tenant_a'])
  const said = signals.filter(({ name }) => name === 'tenant.failed')
  expect(said.map(({ fields }) => fields)).toEqual([{ bus: 'not_there' }])
  expect(said[0]?.message).toContain('npx postbus migrate')

  tenants = ['tenant_b', 'tenant_a']
  await bus.forSchema('tenant_b').publish(NoteTaken({ n: 1 }))
  await until('the new tenant’s event is handled', () => taken.includes('tenant_b'))
  tenants = ['tenant_b']
  await until('the other one’s worker has stopped', () => worker.tenants().join() === 'tenant_b')
  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 2 }))
  await bus.forSchema('tenant_b').publish(NoteTaken({ n: 3 }))
  await until('it goes on', () => taken.length === 2)

  expect(taken).toEqual(['tenant_b', 'tenant_b'])
  await until('both are written', () => worker.counts().done === 2)
  const metrics = await http(new Request('http://worker/metrics'))
  expect(await metrics.text()).toMatch(/^messaging_client_consumed_messages_total\{.*notes\.take.*\} 2$/m)
  expect(await worker.stop()).toEqual({ givenBack: 0 })
  await bus.forSchema('tenant_a').drain()
})

test('if the list of tenants cannot be loaded, this is reported once, and the known tenants are worked for', async () => {
  const taken: number[] = []
  let fails = false
  bus = createBus({
    connectionString: opened.connectionString,
    handlers: [handlerThat((n) => void taken.push(n))],
    onSignal: (signal) => signals.push(signal),
    tenants() {
      if (fails) throw new Error('no such table')
      return ['tenant_a']
    },
  })
  const worker = (started = bus.tenants.worker({ lookEveryMs: 100 }))
  await worker.start()
  fails = true
  await until('that is reported', () => signals.some(({ name }) => name === 'tenants.unknown'))
  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))
  await until('the event is handled', () => taken.length === 1)
  await worker.stop()

  const said = signals.filter(({ name }) => name === 'tenants.unknown')
  expect(said.map(({ message }) => message)).toEqual([expect.stringContaining('no such table')])
})

test('a flood for one tenant takes no more than its share, and other tenants do not wait for its end', async () => {
  const FLOOD = 200
  const order: string[] = []
  let [running, most] = [0, 0]
  const ofTenant = new Map<string, number>()
  let mostOfOne = 0
  bus = tenantsBus([
    handlerThat(async (_, { bus: { name } }) => {
      running += 1
      ofTenant.set(name, (ofTenant.get(name) ?? 0) + 1)
      most = Math.max(most, running)
      mostOfOne = Math.max(mostOfOne, ofTenant.get(name) ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 10))
      running -= 1
      ofTenant.set(name, (ofTenant.get(name) ?? 0) - 1)
      order.push(name)
    }),
  ])
  tenants = ['tenant_a', 'tenant_b', 'tenant_c']
  const notes = (count: number) => Array.from({ length: count }, (_, n) => NoteTaken({ n }))
  await bus.forSchema('tenant_a').publish(notes(FLOOD))
  const worker = (started = bus.tenants.worker({ queues: { events: 4 } }))
  await worker.start()
  await until('the flood is being worked on', () => order.length > 10)
  await bus.forSchema('tenant_b').publish(notes(5))
  await bus.forSchema('tenant_c').publish(notes(5))
  await until('everything is handled', () => order.length === FLOOD + 10, 30_000)
  await worker.stop()

  expect(most).toBeLessThanOrEqual(4)
  expect(mostOfOne).toBe(2)
  const endOf = (name: string) => order.lastIndexOf(name)
  expect(endOf('tenant_b')).toBeLessThan(endOf('tenant_a') - 20)
  expect(endOf('tenant_c')).toBeLessThan(endOf('tenant_a') - 20)
})

test('all at once: with fewer slots than tenants, each tenant has its turn', async () => {
  const order: string[] = []
  let [running, most] = [0, 0]
  bus = tenantsBus([
    handlerThat(async (_, { bus: { name } }) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      order.push(name)
    }),
  ])
  tenants = ['tenant_a', 'tenant_b', 'tenant_c']
  const notes = Array.from({ length: 20 }, (_, n) => NoteTaken({ n, key: `k${n % 3}` }))
  for (const tenant of await bus.tenants.list()) await tenant.publish(notes)
  const worker = (started = bus.tenants.worker({ queues: { events_partitioned: 1 } }))
  await worker.start()
  await until('everything is handled', () => order.length === 60, 30_000)
  await worker.stop()

  expect(most).toBe(1)
  for (const name of tenants) expect(order.indexOf(name)).toBeLessThan(45) // a lane's turn is 16
})

test('many tenants need no more connections than a few: one LISTEN, one pool', async () => {
  const taken: string[] = []
  bus = tenantsBus([handlerThat((_, { bus: { name } }) => void taken.push(name))])
  tenants = ['tenant_a', 'tenant_b', 'tenant_c']
  const worker = (started = bus.tenants.worker({ pollMs: 60_000 }))
  await worker.start()
  for (const tenant of await bus.tenants.list()) await tenant.publish(NoteTaken({ n: 1 }))
  await until('all are woken, long before they would look', () => taken.length === 3)

  const { rows } = await opened.database.query<{ all: number; listening: number }>(
    `select count(*)::integer as all, count(*) filter (where query ~* '^(un)?listen|pg_listening')::integer as listening
    from pg_stat_activity where datname = current_database() and application_name = 'postbus'`,
  )
  expect(rows[0]?.listening).toBe(1)
  expect(rows[0]?.all).toBeLessThanOrEqual(5 + 2 + 1 + 1) // the pool, the heartbeats' pool, their thread, LISTEN
  await worker.stop()
})

test('drain works for one tenant after the other, and returns the counts of all together', async () => {
  bus = tenantsBus([handlerThat(() => undefined)])
  tenants = ['tenant_a', 'tenant_b', 'tenant_c']
  for (const tenant of await bus.tenants.list()) await tenant.publish(NoteTaken({ n: 1 }))

  expect(await bus.tenants.worker().drain()).toEqual({ done: 3, failed: 0, dead: 0, snoozed: 0 })
})

test('if drain cannot work for one tenant, it works for the others, and then throws the reason', async () => {
  bus = tenantsBus([handlerThat(() => undefined)])
  tenants = ['not_there', 'tenant_a']
  await bus.forSchema('tenant_a').publish(NoteTaken({ n: 1 }))
  const worker = bus.tenants.worker()

  await expect(worker.drain()).rejects.toThrow('npx postbus migrate')

  expect(worker.counts().done).toBe(1)
  expect(worker.tenants()).toEqual([])
  expect(signals.filter(({ name }) => name === 'tenant.failed').map(({ fields }) => fields)).toEqual([
    { bus: 'not_there' },
  ])
})

test('a bus without a list of tenants says so, and a list of something else is refused', async () => {
  bus = createBus({ connectionString: opened.connectionString })
  expect(bus.tenants.areKnown).toBe(false)
  expect(() => bus.tenants.worker()).toThrow('Say who they are')
  await expect(bus.tenants.list()).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  expect(() => bus.tenants.worker()).toThrow('Say who they are')

  for (const wrong of ['tenant_a', [4], [createBus({})]]) {
    const other = createBus({ tenants: () => wrong as never })
    await expect(other.tenants.list()).rejects.toThrow('expected a list of names of schemas')
  }
})

test('a worker for tenants can be started once, and its options are checked', async () => {
  bus = tenantsBus([])
  tenants = []
  const worker = (started = bus.tenants.worker())
  await worker.start()
  await expect(worker.start()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await worker.stop()
  expect(() => bus.tenants.worker({ perTenant: 0 })).toThrow('perTenant')
})
