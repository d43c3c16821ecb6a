/** The fence: an attempt changes nothing when it ends if another worker has its claim, with any outcome. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, discard, snooze, type Bus, type BusSignal } from '../../src/index.ts'
import { claimFrom } from '../../src/backends/postgres/deliveries/claim.ts'
import { recoverClaims } from '../../src/backends/postgres/deliveries/claims.ts'
import { settleDeliveries } from '../../src/backends/postgres/deliveries/settle.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { EVERY_DELIVERY } from '../support/every-delivery.ts'
import { emptyTables } from '../support/stored.ts'
import { takeOverSilent } from '../support/take-over.ts'

const Moved = defineEvent('stock.moved', {
  schema: z.object({ shelf: z.string().nullable() }),
  partitionKey: (data) => data.shelf,
})

const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

beforeEach(() => emptyTables(shop.database))

const outcomes = [
  { outcome: 'done', answer: () => undefined },
  { outcome: 'retry', answer: () => Promise.reject(new Error('too late')) },
  { outcome: 'snooze', answer: () => snooze({ seconds: 1 }) },
  { outcome: 'dead', answer: () => discard('too late') },
]

test.each(
  outcomes.flatMap((one) => [
    { ...one, shelf: null },
    { ...one, shelf: 'left' },
  ]),
)('$outcome with key $shelf has no effect after another worker has claimed the delivery', async ({ answer, shelf }) => {
  const { bus, signals } = busWhoseHandler(async () => {
    await claimedByAnother()
    return answer()
  })
  await bus.publish(Moved({ shelf }))

  const worker = bus.worker()
  await worker.drain()

  expect(worker.counts()).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0 })
  expect(await delivery()).toEqual({ state: 'active', retry_count: 1, retry_limit: 1_000_000, output: null })
  expect(signals.filter(({ name }) => name === 'claim.lost')).toHaveLength(1)
  expect(await bus.deadLetters.count()).toBe(0)
  await bus.close()
})

test.each([
  { ...outcomes[0]!, becomes: [{ state: 'completed' }], counts: { done: 1 } },
  { ...outcomes[1]!, becomes: [{ state: 'retry', errors: ['POSTBUS_WORKER_DIED', null] }], counts: { failed: 1 } },
  { ...outcomes[2]!, becomes: [{ state: 'retry', errors: ['POSTBUS_WORKER_DIED'] }], counts: { snoozed: 1 } },
  { ...outcomes[3]!, becomes: [{ state: 'failed', errors: ['POSTBUS_WORKER_DIED'] }], counts: { dead: 1 } },
])('$outcome counts if the claim was taken over but no worker has claimed the delivery since', async (one) => {
  const { bus } = busWhoseHandler(async () => {
    await takenOver()
    return one.answer()
  })
  await bus.publish(Moved({ shelf: 'left' }))

  const worker = bus.worker()
  await worker.drain()

  expect(worker.counts()).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0, ...one.counts })
  expect(await stored()).toMatchObject(one.becomes)
  await bus.close()
})

test('a claim settles an outcome only once', async () => {
  const { bus } = busWhoseHandler(() => undefined)
  await bus.publish(Moved({ shelf: null }))
  const { deliveries } = await claimFrom('events', tables)(shop.database, 1)
  const settlements = deliveries.map((one) => ({ delivery: one, is: 'later', delayMs: 0 }) as const)
  const settled = () => settleDeliveries(shop.database, tables, { queue: 'events', settlements })

  expect((await settled()).ours.size).toBe(1)
  expect((await settled()).ours.size).toBe(0)

  expect(await delivery()).toMatchObject({ state: 'retry', retry_count: 0, retry_limit: 1_000_001 })
  await bus.close()
})

/** Does what recovery and the next claim do to the row. */
async function claimedByAnother(): Promise<void> {
  await shop.database.query('update pgboss.job set retry_count = retry_count + 1, started_on = now()')
}

async function takenOver(): Promise<void> {
  await shop.database.query(`update pgboss.job set heartbeat_on = now() - interval '1 hour'`)
  expect(await takeOverSilent((looking) => recoverClaims(shop.database, tables, looking))).toBe(1)
  await shop.database.query(`update pgboss.job set start_after = now() + interval '1 hour'`)
}

function busWhoseHandler(handle: () => unknown): { bus: Bus; signals: readonly BusSignal[] } {
  const signals: BusSignal[] = []
  const handlers = [defineHandler('stock.count', { on: Moved, handle })]
  const onSignal = (signal: BusSignal) => void signals.push(signal)
  return { bus: createBus({ connectionString: shop.connectionString, handlers, onSignal }), signals }
}

async function delivery(): Promise<unknown> {
  const { rows } = await shop.database.query('select state, retry_count, retry_limit, output from pgboss.job')
  expect(rows).toHaveLength(1)
  return rows[0]
}

async function stored(): Promise<readonly unknown[]> {
  const { rows } = await shop.database.query(
    `select state, coalesce((select jsonb_agg(error -> 'code') from jsonb_array_elements(output) error), '[]') as errors
    from ${EVERY_DELIVERY} job`,
  )
  return rows
}
