/** The fence: an attempt whose claim has gone to another worker changes nothing when it ends, whatever its outcome. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, discard, snooze, type Bus, type BusSignal } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables } from '../support/stored.ts'

const Moved = defineEvent('stock.moved', {
  schema: z.object({ shelf: z.string().nullable() }),
  partitionKey: (data) => data.shelf,
})

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

test.each(outcomes)(
  '$outcome has no effect after the claim was given up and nobody has taken it yet',
  async ({ answer }) => {
    const { bus } = busWhoseHandler(async () => {
      await shop.database.query(`update pgboss.job set state = 'retry', start_after = now() + interval '1 hour'`)
      return answer()
    })
    await bus.publish(Moved({ shelf: null }))

    await bus.worker().drain()

    expect(await delivery()).toEqual({ state: 'retry', retry_count: 0, retry_limit: 1_000_000, output: null })
    expect(await bus.deadLetters.count()).toBe(0)
    await bus.close()
  },
)

/** What recovery and the next claim do to the row. */
async function claimedByAnother(): Promise<void> {
  await shop.database.query('update pgboss.job set retry_count = retry_count + 1, started_on = now()')
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
