/** Deliveries that will not be tried again are dead letters, with their errors, until an operator acts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, discard, failed } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedDeliveries } from '../support/stored.ts'

const Charged = defineEvent('finances.charged', { schema: z.object({ card: z.string() }) })

/** The action of the handlers for each card: each test sets it. */
const does = new Map<string, (attempt: number) => unknown>()
const runs: string[] = []

const book = defineHandler('finances.book', {
  on: Charged,
  maxAttempts: 3,
  backoff: () => 0,
  handle(event, { attempt }) {
    runs.push(`${event.data.card} ${attempt}`)
    return does.get(event.data.card)?.(attempt)
  },
})
const thank = defineHandler('email.thank', { on: Charged, handle: () => undefined })

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book, thank] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  does.clear()
  runs.length = 0
})

describe('a handler that fails every time', () => {
  test('runs exactly maxAttempts times, and its dead letter has the error of each attempt', async () => {
    const event = Charged({ card: 'visa' })
    does.set('visa', (attempt) => {
      if (attempt === 1) return failed('declined')
      throw Object.assign(new Error(`attempt ${attempt}`), { code: 'E42', request: { secret: 'hunter2' } })
    })

    await shop.bus.publish(event)
    const counts = await drained(shop.bus)

    expect(counts).toEqual({ done: 1, failed: 2, dead: 1, snoozed: 0 })
    expect(runs).toEqual(['visa 1', 'visa 2', 'visa 3'])
    const [letter, ...others] = (await shop.bus.deadLetters.list()).deadLetters
    expect(others).toEqual([])
    expect(letter).toEqual({
      deliveryId: expect.stringMatching(/-1830-a106e6487fbb$/) as unknown,
      queue: 'events',
      handler: 'finances.book',
      eventId: event.id,
      eventType: 'finances.charged',
      partitionKey: null,
      reason: 'attempt 3',
      blocksKey: false,
      diedAt: expect.any(Date) as unknown,
      attempts: [
        anAttempt({ attempt: 1, code: 'POSTBUS_ATTEMPT_FAILED', message: 'declined' }),
        anAttempt({ attempt: 2, code: 'E42', message: 'attempt 2' }),
        anAttempt({ attempt: 3, code: 'E42', message: 'attempt 3' }),
      ],
    })
    expect(JSON.stringify(letter)).not.toContain('hunter2')
  })

  test('emits a signal when its delivery dies, and the delivery is no longer due', async () => {
    does.set('visa', () => discard('stolen'))

    await shop.bus.publish(Charged({ card: 'visa' }))
    await drained(shop.bus)

    const [letter] = (await shop.bus.deadLetters.list()).deadLetters
    expect(shop.signalsNamed('delivery.dead').at(-1)).toMatchObject({
      level: 'error',
      message: expect.stringContaining('dead after attempt 1: stolen') as unknown,
      fields: { deliveryId: letter?.deliveryId, handler: 'finances.book', attempt: 1 },
    })
    const states = (await storedDeliveries(shop.database)).map(({ handler, state }) => `${handler} ${state}`)
    expect(states.toSorted()).toEqual(['email.thank completed', 'finances.book failed'])
  })

  test('keeps the latest twenty errors if it may try more often', async () => {
    const stubborn = defineHandler('finances.stubborn', {
      on: Charged,
      maxAttempts: 23,
      backoff: () => 0,
      handle: (_, { attempt }) => failed(`no. ${attempt}`),
    })
    const bus = createBus({
      connectionString: shop.connectionString,
      handlers: [stubborn],
      onSignal: () => undefined,
    })

    await bus.publish(Charged({ card: 'visa' }))
    await drained(bus)

    const [letter] = (await bus.deadLetters.list()).deadLetters
    expect(letter?.attempts.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, index) => index + 4))
    await bus.close()
  })
})

test.each([
  { what: 'NUL and half a surrogate pair', message: 'a\u0000b\ud800c', stored: 'a\\0b\ufffdc' },
  {
    what: 'a password in a connection string',
    message: 'at postgres://me:hunter2@db/x',
    stored: 'at postgres://me:***@db/x',
  },
  { what: 'more text than anyone reads', message: 'x'.repeat(5_000), stored: `${'x'.repeat(1_999)}…` },
])('an error message with $what is stored without that part', async ({ message, stored }) => {
  does.set('visa', () => {
    throw new Error(message)
  })

  await shop.bus.publish(Charged({ card: 'visa' }))
  await drained(shop.bus)

  const [letter] = (await shop.bus.deadLetters.list()).deadLetters
  expect(letter?.reason).toBe(stored)
  expect(letter?.attempts.map((attempt) => attempt.message)).toEqual([stored, stored, stored])
})

test('discard gives up at the first attempt, with its reason and the errors of earlier attempts', async () => {
  does.set('visa', () => discard('the card is gone'))
  does.set('amex', (attempt) => (attempt === 1 ? failed('busy') : discard('the card is stolen')))

  await shop.bus.publish([Charged({ card: 'visa' }), Charged({ card: 'amex' })])
  await drained(shop.bus)

  const letters = (await shop.bus.deadLetters.list()).deadLetters
  expect(runs.toSorted()).toEqual(['amex 1', 'amex 2', 'visa 1'])
  expect(letters.map(({ reason, attempts }) => [reason, attempts.length])).toEqual([
    ['the card is gone', 0],
    ['the card is stolen', 1],
  ])
})

describe('the operator', () => {
  beforeEach(async () => {
    for (const card of ['visa', 'amex']) does.set(card, () => discard(`${card} is gone`))
    await shop.bus.publish([Charged({ card: 'visa' }), Charged({ card: 'amex' }), Charged({ card: 'cash' })])
    await drained(shop.bus)
  })

  test('lists the oldest first, up to a limit, and gets the count', async () => {
    const all = (await shop.bus.deadLetters.list()).deadLetters

    const [oldest] = (await shop.bus.deadLetters.list({ limit: 1 })).deadLetters

    expect(all.map(({ reason }) => reason).toSorted()).toEqual(['amex is gone', 'visa is gone'])
    expect(oldest).toEqual(all[0])
    expect(await shop.bus.deadLetters.count()).toBe(2)
    expect(await shop.bus.deadLetters.count({ handler: 'email.thank' })).toBe(0)
    expect((await shop.bus.deadLetters.list({ eventType: 'finances.other' })).deadLetters).toEqual([])
  })

  test('retries one by its id: it gets all its attempts again, and its old errors stay', async () => {
    const [letter, other] = (await shop.bus.deadLetters.list()).deadLetters
    does.clear()
    for (const card of ['visa', 'amex']) does.set(card, () => failed('again'))
    runs.length = 0

    const retried = await shop.bus.deadLetters.retry({ deliveryIds: [letter?.deliveryId ?? ''] })
    await drained(shop.bus)

    expect(retried).toEqual({ count: 1 })
    expect(runs.map((run) => run.split(' ')[1])).toEqual(['1', '2', '3'])
    const [open, again] = (await shop.bus.deadLetters.list()).deadLetters
    expect(open).toEqual(other)
    expect(again?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(again?.diedAt.getTime()).toBeGreaterThan(letter?.diedAt.getTime() ?? Infinity)
  })

  test('can retry again and again, and each time attempts are counted from 1', async () => {
    for (const card of ['visa', 'amex']) does.set(card, (attempt) => (attempt < 3 ? failed('again') : discard('no')))

    for (const _ of [1, 2, 3]) {
      runs.length = 0
      await shop.bus.deadLetters.retry({ handler: 'finances.book' })
      await drained(shop.bus)
      expect(runs.toSorted()).toEqual(['amex 1', 'amex 2', 'amex 3', 'visa 1', 'visa 2', 'visa 3'])
    }

    expect(await shop.bus.deadLetters.count()).toBe(2)
  })

  test('dismisses: the letter is hidden from lists, counts and retries, but the row stays', async () => {
    const dismissed = await shop.bus.deadLetters.dismiss({ eventType: 'finances.charged' })

    expect(dismissed).toEqual({ count: 2 })
    expect([(await shop.bus.deadLetters.list()).deadLetters, await shop.bus.deadLetters.count()]).toEqual([[], 0])
    expect(await shop.bus.deadLetters.retry({ all: true })).toEqual({ count: 0 })
    expect(await shop.bus.deadLetters.dismiss({ all: true })).toEqual({ count: 0 })
    const { rowCount } = await shop.database.query('select from postbus.dead_letter where dismissed_at is not null')
    expect(rowCount).toBe(2)
  })
})

function anAttempt(expected: { attempt: number; code: string; message: string }): unknown {
  const at = expect.stringMatching(/^\d{4}-.*Z$/) as unknown
  const thrown = expected.code !== 'POSTBUS_ATTEMPT_FAILED' // a returned failure has no stack
  const stack: unknown = expect.stringContaining(expected.message)
  return { ...expected, at, stack: thrown ? stack : null }
}
