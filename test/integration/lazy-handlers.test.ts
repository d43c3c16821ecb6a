/** Handlers that are imported when they are first needed, so that bus, handlers and domain can import each other. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus, type Bus, type HandlerSet } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { busOn, imported } from '../support/fixtures/import-cycle/bus.ts'
import { emptyTables, storedCounts } from '../support/stored.ts'

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

beforeEach(() => emptyTables(shop.database))

test('a bus works if its handlers import a domain that imports the bus', async () => {
  const bus = busOn({ connectionString: shop.connectionString })
  const importedBefore = [...imported]

  const { reserved, sellTicket } = await import('../support/fixtures/import-cycle/domain.ts')
  const first = await sellTicket(bus, '12A')
  const counts = await bus.worker().drain()

  expect(importedBefore).toEqual(['bus'])
  expect(imported).toEqual(['bus', 'domain', 'event-handlers'])
  expect(first.events).toEqual([expect.objectContaining({ deliveries: 1 })])
  expect(counts.done).toBe(1)
  expect(reserved).toEqual(['12A'])
  await bus.close()
})

test('the first publish of a process may be inside a transaction, and belongs to that transaction', async () => {
  const { sellTicket } = await import('../support/fixtures/import-cycle/domain.ts')
  const bus = busOn({ connectionString: shop.connectionString })
  const tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()

  await tx.query('begin')
  const { events } = await sellTicket(bus, '12B', tx)
  const seenByOthers = await storedCounts(shop.database)
  await tx.query('commit')

  expect(events).toEqual([expect.objectContaining({ deliveries: 1 })])
  expect(seenByOthers).toEqual({ events: 0, deliveries: 0 })
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 1 })
  await Promise.all([tx.end(), bus.close()])
})

test('handlers are imported once, also for concurrent publishes', async () => {
  const { reserveSeat, sellTicket } = await import('../support/fixtures/import-cycle/domain.ts')
  let imports = 0
  const bus = lazyBus(async () => ({ reserveSeat, nr: [(imports += 1)].slice(1) }))

  await Promise.all(['1', '2', '3'].map((seat) => sellTicket(bus, seat)))
  await sellTicket(bus, '4')

  expect(imports).toBe(1)
  expect(await storedCounts(shop.database)).toEqual({ events: 4, deliveries: 4 })
  await bus.close()
})

test('a failed import refuses the publish, and the next publish imports again', async () => {
  const { reserveSeat, sellTicket } = await import('../support/fixtures/import-cycle/domain.ts')
  const imports = [Promise.reject(new Error('no such file')), Promise.resolve([reserveSeat])]
  const bus = lazyBus(async () => (await imports.shift()) ?? [])

  await expect(sellTicket(bus, '1')).rejects.toThrow('no such file')
  const { events } = await sellTicket(bus, '2')

  expect(events).toEqual([expect.objectContaining({ deliveries: 1 })])
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 1 })
  await bus.close()
})

test('ready() imports the handlers, so that later publishes call `interested` synchronously', async () => {
  const { reserveSeat, sellTicket } = await import('../support/fixtures/import-cycle/domain.ts')
  const asked: string[] = []
  const bus = lazyBus(async () => [{ ...reserveSeat, interested: () => asked.push('asked') > 0 }])
  await bus.ready()

  const publishing = sellTicket(bus, '1')
  const askedByThen = [...asked]

  expect(askedByThen).toEqual(['asked'])
  await publishing
  await bus.close()
})

function lazyBus(handlers: () => Promise<HandlerSet>): Bus {
  return createBus({ connectionString: shop.connectionString, handlers, onSignal: () => undefined })
}
