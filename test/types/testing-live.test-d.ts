/** The calls of test databases, drains and time travel that must compile, and calls that must not. Compiled, never run. */
import type { Kysely, Transaction } from 'kysely'
import { test as base } from 'vitest'
import { createBus, type Bus, type WorkerCounts } from '../../src/index.ts'
import { advanceTime, drainEvents, openTestDatabase, testDatabase, travelTo } from '../../src/testing/index.ts'

interface ShopBus extends Bus {
  readonly shop: string
}
declare const tx: Transaction<unknown>
declare const db: Kysely<unknown>
declare const createShopBus: (connectionString: string) => ShopBus

const test = base.extend('database', await testDatabase({ bus: createShopBus, migrate: async () => undefined }))
test('the fixture is typed by what `bus` answers', ({ database }) => {
  const bus: ShopBus = database.bus
  // @ts-expect-error -- a test cannot close the fixture
  void database.close()
  return void bus
})

const forgotten = base.extend('database', testDatabase({ bus: createShopBus }))
forgotten('a fixture that was not awaited has no bus', ({ database }) => {
  // @ts-expect-error -- testDatabase() must be awaited
  return void database.bus
})

// @ts-expect-error -- `bus` is required
void testDatabase({ migrate: () => undefined })
// @ts-expect-error -- `bus` gets a connection string
void openTestDatabase({ bus: (port: number) => createBus({ connectionString: String(port) }) })

const counts: WorkerCounts = await drainEvents({ tx, withRetries: true, until: { hours: 1 }, queues: { events: 1 } })
void counts
// @ts-expect-error -- a Kysely instance is not a transaction
void drainEvents({ tx: db })
// @ts-expect-error -- the option's name is withRetries
void drainEvents({ retries: true })
// @ts-expect-error -- a time is a Date or a duration with units
void drainEvents({ until: 5_000 })
// @ts-expect-error -- the unit's name is minutes
void advanceTime({ minute: 5 })
// @ts-expect-error -- expects a Date
void travelTo('2031-01-01')
