/** An event type can have a longer or shorter retention than the others, and a waiting delivery keeps its event. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables } from '../support/stored.ts'
import { refusalOf } from '../unit/refusal.ts'

const A_DAY = 86_400_000
const schema = z.object({ n: z.number() })
const Brief = defineEvent('stock.counted', { schema, retentionMs: A_DAY })
const Lasting = defineEvent('finances.invoiced', { schema, retentionMs: 3_650 * A_DAY })
const Usual = defineEvent('orders.created', { schema })
const fails = new Set<string>()
const book = defineHandler('test.book', {
  on: [Brief, Lasting, Usual],
  maxAttempts: 1,
  handle: ({ type }) => {
    if (fails.has(type)) throw new Error('no')
  },
})
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [book] })
})
afterAll(() => opened.close())
beforeEach(async () => {
  await emptyTables(opened.database)
  fails.clear()
})

test('after two days the events with a short retention are gone, and after two months only those with a long one are left', async () => {
  await opened.bus.publish([1, 2, 3].flatMap((n) => [Brief({ n }), Lasting({ n }), Usual({ n })]))
  await drained(opened.bus)
  expect(await opened.bus.prune()).toEqual({ events: 0 })

  await pass(2)
  expect(await opened.bus.prune({ dryRun: true })).toEqual({ events: 3 })
  expect(await opened.bus.prune()).toEqual({ events: 3 })
  expect(await left()).toEqual({ 'finances.invoiced': 3, 'orders.created': 3 })

  await pass(60)
  expect(await opened.bus.prune({ dryRun: true })).toEqual({ events: 3 })
  expect(await opened.bus.prune()).toEqual({ events: 3 })
  expect(await left()).toEqual({ 'finances.invoiced': 3 })

  await pass(3_650)
  expect(await opened.bus.prune()).toEqual({ events: 3 })
})

test('more than a thousand events with a long retention do not stop the pruning of the events behind them', async () => {
  await opened.bus.publish(Array.from({ length: 1_100 }, (_, n) => Lasting({ n })))
  await opened.bus.publish(Usual({ n: 1 }))
  await drained(opened.bus)
  await pass(60)

  expect(await opened.bus.prune()).toEqual({ events: 1 })
  expect(await left()).toEqual({ 'finances.invoiced': 1_100 })
})

test('a dead letter keeps an event with a short retention', async () => {
  fails.add(Brief.type)
  await opened.bus.publish(Brief({ n: 1 }))
  await drained(opened.bus)
  await pass(2)

  expect(await opened.bus.prune({ dryRun: true })).toEqual({ events: 0 })
  expect(await opened.bus.prune()).toEqual({ events: 0 })
})

test.each([0, 999, -1, 1_000.5, Infinity, '1 day', null])('a retention of %j is refused', (retentionMs) => {
  const define = () => defineEvent('stock.counted', { schema, retentionMs: retentionMs as never })

  expect(refusalOf(define)).toMatchObject({ code: 'POSTBUS_INVALID_EVENT' })
})

/** Makes everything that is stored this much older. */
async function pass(days: number): Promise<void> {
  await opened.database.query(
    `with older as (update postbus.event set published_at = published_at - $1 * interval '1 day',
      retained_until = retained_until - $1 * interval '1 day')
    update postbus.history set ended_at = ended_at - $1 * interval '1 day'`,
    [days],
  )
  await opened.database.query(`update postbus.pruning set after_seq = 0, pruned_at = '-infinity'`)
}

async function left(): Promise<Record<string, number>> {
  return opened.bus.events.countByType()
}
