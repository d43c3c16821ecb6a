/** Deliveries that a process cannot handle, or not yet: put back without using an attempt, or dead at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, snooze, type Bus, type BusOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedDeliveries } from '../support/stored.ts'

const schema = z.object({ shelf: z.string() })
const Counted = defineEvent('stock.counted', { schema })
const CountedV2 = defineEvent('stock.counted', { schema, version: 2 })

const runs: string[] = []
const report = defineHandler('stock.report', { on: Counted, handle: noteRun })

let shop: TestBus
const opened: Bus[] = []

beforeAll(async () => {
  shop = await openTestBus({ handlers: [report] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  runs.length = 0
  return async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close())))
})

describe('a delivery for a handler that this worker does not have', () => {
  test('is put back for later without using an attempt, and this is reported', async () => {
    await shop.bus.publish(Counted({ shelf: 'left' }))

    const counts = await drained(busWith([], shop.signals))

    expect(counts).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 1 })
    const [delivery] = await storedDeliveries(shop.database)
    expect(delivery).toMatchObject({ state: 'retry' })
    expect(delivery?.due_in_seconds).toBeGreaterThan(20)
    expect(shop.signalsNamed('delivery.put-back').at(-1)).toMatchObject({
      level: 'warn',
      fields: { handler: 'stock.report', code: 'POSTBUS_UNKNOWN_HANDLER' },
    })
    expect(await shop.bus.deadLetters.count()).toBe(0)
  })

  test('is handled as attempt 1 by a worker that has the handler, however often it was put back', async () => {
    await shop.bus.publish(Counted({ shelf: 'left' }))
    for (const _ of [1, 2, 3, 4, 5, 6]) {
      await drained(busWith([]))
      await makeDue()
    }

    const counts = await drained(shop.bus)

    expect(counts).toEqual({ done: 1, failed: 0, dead: 0, snoozed: 0 })
    expect(runs).toEqual(['left 1'])
  })
})

describe('an event of a version that the handler does not list', () => {
  test('is put back if it is newer, until a worker knows its version', async () => {
    const newer = defineHandler('stock.report', { on: [Counted, CountedV2], handle: noteRun })
    await busWith([newer]).publish(CountedV2({ shelf: 'left' }))

    const old = await drained(busWith([report], shop.signals))
    await makeDue()
    const current = await drained(busWith([newer]))

    expect([old, current].map(({ done, snoozed, dead }) => ({ done, snoozed, dead }))).toEqual([
      { done: 0, snoozed: 1, dead: 0 },
      { done: 1, snoozed: 0, dead: 0 },
    ])
    expect(runs).toEqual(['left 1'])
    expect(shop.signalsNamed('delivery.put-back').at(-1)?.fields).toMatchObject({ code: 'POSTBUS_NEWER_VERSION' })
  })

  test('is dead at once if it is older, and can be retried when the version is listed again', async () => {
    await shop.bus.publish(Counted({ shelf: 'left' }))
    const onlyNew = defineHandler('stock.report', { on: CountedV2, handle: noteRun })

    const counts = await drained(busWith([onlyNew]))
    const [letter] = (await shop.bus.deadLetters.list()).deadLetters
    await shop.bus.deadLetters.retry({ all: true })
    await drained(shop.bus)

    expect(counts.dead).toBe(1)
    expect(letter?.attempts).toEqual([expect.objectContaining({ attempt: 1, code: 'POSTBUS_OLDER_VERSION' })])
    expect(runs).toEqual(['left 1'])
  })
})

test('snooze uses no attempt: a handler with maxAttempts 1 can snooze without limit', async () => {
  let snoozes = 0
  const patient = defineHandler('stock.patient', {
    on: Counted,
    maxAttempts: 1,
    handle(event, context) {
      noteRun(event, context)
      return (snoozes += 1) < 4 ? snooze({ seconds: 40 }) : undefined
    },
  })
  const bus = busWith([patient])
  await bus.publish(Counted({ shelf: 'left' }))

  const counts = [await drained(bus)]
  const [waiting] = await storedDeliveries(shop.database)
  for (const _ of [1, 2, 3]) {
    await makeDue()
    counts.push(await drained(bus))
  }

  expect(waiting?.due_in_seconds).toBeGreaterThan(30)
  expect(waiting?.due_in_seconds).toBeLessThanOrEqual(40)
  expect(counts.map(({ done, snoozed, dead }) => [done, snoozed, dead])).toEqual([
    [0, 1, 0],
    [0, 1, 0],
    [0, 1, 0],
    [1, 0, 0],
  ])
  expect(runs).toEqual(['left 1', 'left 1', 'left 1', 'left 1'])
})

describe('F44: a stored payload that cannot be read', () => {
  test.each([
    { what: 'null', payload: 'null' },
    { what: 'an array', payload: '[]' },
    { what: 'text', payload: '"left"' },
    { what: 'a document of another kind', payload: '{"shelf":"left"}' },
    { what: 'annotations that are wrong', payload: '{"json":{"shelf":"left"},"meta":{"values":{"shelf":["Date"]}}}' },
    { what: 'an annotation that is unknown', payload: '{"json":{"shelf":1},"meta":{"values":{"shelf":["class"]}}}' },
    { what: 'a prototype', payload: '{"json":{"__proto__":{"admin":true}}}' },
    { what: 'a path into a prototype', payload: '{"json":{},"meta":{"referentialEqualities":{"a":["__proto__.b"]}}}' },
  ])('makes its delivery dead at once, $what, and the worker goes on', async ({ payload }) => {
    const { events } = await shop.bus.publish([Counted({ shelf: 'broken' }), Counted({ shelf: 'sound' })])
    await shop.database.query('update postbus.event set payload = $1 where id = $2', [payload, events[0]?.id])

    const counts = await drained(shop.bus)

    expect(counts).toEqual({ done: 1, failed: 0, dead: 1, snoozed: 0 })
    expect(runs).toEqual(['sound 1'])
    const [letter] = (await shop.bus.deadLetters.list()).deadLetters
    expect(letter).toMatchObject({ eventId: events[0]?.id, blocksKey: false })
    expect(letter?.attempts).toEqual([expect.objectContaining({ attempt: 1, code: 'POSTBUS_CORRUPT_PAYLOAD' })])
    const kept = await shop.database.query('select payload::text from postbus.event where id = $1', [events[0]?.id])
    expect(kept.rows).toEqual([{ payload }])
    expect(Object.prototype).not.toHaveProperty('admin')
  })

  test('and a missing event does the same', async () => {
    await shop.bus.publish(Counted({ shelf: 'left' }))
    await shop.database.query('delete from postbus.event')

    const counts = await drained(shop.bus)

    expect(counts).toEqual({ done: 0, failed: 0, dead: 1, snoozed: 0 })
    const [letter] = (await shop.bus.deadLetters.list()).deadLetters
    expect(letter).toMatchObject({ eventId: null, eventType: 'stock.counted', handler: 'stock.report' })
    expect(letter?.attempts).toEqual([expect.objectContaining({ code: 'POSTBUS_CORRUPT_PAYLOAD' })])
  })
})

function noteRun({ data }: { data: { shelf: string } }, { attempt }: { attempt: number }): void {
  runs.push(`${data.shelf} ${attempt}`)
}

function busWith(handlers: BusOptions['handlers'], signals?: TestBus['signals']): Bus {
  const onSignal = signals
    ? (signal: TestBus['signals'][number]) => (signals as unknown[]).push(signal)
    : () => undefined
  const bus = createBus({ connectionString: shop.connectionString, ...(handlers && { handlers }), onSignal })
  opened.push(bus)
  return bus
}

async function makeDue(): Promise<void> {
  await shop.database.query(`update pgboss.job set start_after = now() where state = 'retry'`)
}
