/** `return awaitCompletion({ timeoutMs })`: the delivery stays open without a slot until it is completed or its timeout passes. */
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { awaitCompletion, createBus, defineEvent, defineHandler, type AnyHandler, type Bus } from '../../src/index.ts'
import { advanceTime } from '../../src/testing/time/time.ts'
import { AN_HOUR, handlerDoes, idOf, openAwaiting, published, ran, tidyAwaiting, waiting } from '../support/awaiting.ts'
import type { TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let opened: TestBus
let bus: Bus

beforeAll(async () => {
  opened = await openAwaiting()
  bus = opened.bus
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

afterEach(() => tidyAwaiting())

test.each([null, 'red'])('with key %s a delivery waits, is completed, and its event is finished', async (key) => {
  const eventId = await published(1, key)
  await drained(bus)
  const open = await bus.events.status(eventId)
  const finished = bus.events.whenFinished(eventId, { timeoutMs: 10_000 })

  const report = await bus.deliveries.complete(idOf(1))

  expect(open).toMatchObject({ isFinished: false, deliveries: [{ state: 'awaiting', attempts: 1, errors: [] }] })
  expect(Number(open?.deliveries[0]?.dueAt)).toBeGreaterThan(Date.now() + AN_HOUR / 2)
  expect(report).toEqual({ isApplied: true, state: 'done' })
  expect((await finished).deliveries).toMatchObject([{ state: 'done', attempts: 1 }])
  await advanceTime({ hours: 2 }, { bus })
  await drained(bus)
  expect(ran).toEqual([[1, 1]])
  expect((await opened.database.query('select from pgboss.job')).rowCount).toBe(0)
})

test('a waiting delivery takes no slot, its key waits behind it, and other keys go on', async () => {
  await using worker = bus.worker({ queues: { events_partitioned: 1 }, pollMs: 50 })
  handlerDoes((n) => (n === 1 ? undefined : 'done'))
  await bus.publish([
    NoteTaken({ n: 1, key: 'red' }),
    NoteTaken({ n: 2, key: 'red' }),
    NoteTaken({ n: 3, key: 'blue' }),
    NoteTaken({ n: 4, key: 'green' }),
  ])
  await worker.start()
  await until('the other keys have run', () => ran.length === 3)
  const lane = await bus.lanes.show({ handler: 'notes.take', partitionKey: 'red' })

  await bus.deliveries.complete(idOf(1))
  await until('the next of the key has run', () => ran.length === 4)

  expect(lane).toMatchObject({ state: 'awaiting', behind: 1 })
  expect(ran.map(([n]) => n)).toEqual([1, 3, 4, 2])
})

test('a delivery that is skipped by hand is recorded as skipped, with who and why', async () => {
  const eventId = await published(1)
  await drained(bus)

  const report = await bus.deliveries.skip(idOf(1), { by: 'ada', reason: 'withdrawn' })

  expect(report).toEqual({ isApplied: true, state: 'skipped' })
  expect((await bus.events.status(eventId))?.deliveries).toMatchObject([{ state: 'skipped', reason: 'withdrawn' }])
  expect((await bus.acts.list({ act: 'deliveries.skip' })).acts).toMatchObject([
    { by: 'ada', reason: 'withdrawn', count: 1, filter: { delivery: idOf(1) } },
  ])
})

test.each([null, 'red'])(
  'with key %s a failure by hand is a failed attempt, and the last one makes the delivery dead',
  async (key) => {
    const eventId = await published(1, key)
    await drained(bus)

    const report = await bus.deliveries.fail(idOf(1), 'declined')
    await drained(bus)
    await advanceTime({ minutes: 2 }, { bus })
    await drained(bus)
    const second = await bus.events.status(eventId)
    await bus.deliveries.fail(idOf(1), 'declined again')
    await drained(bus)

    expect(report).toEqual({ isApplied: true, state: 'waiting' })
    expect(second?.deliveries).toMatchObject([{ state: 'awaiting', attempts: 2, errors: [{ message: 'declined' }] }])
    expect(ran).toEqual([
      [1, 1],
      [1, 2],
    ])
    expect((await bus.events.status(eventId))?.deliveries).toMatchObject([
      { state: 'dead', attempts: 2, reason: 'declined again', errors: [{ attempt: 1 }, { attempt: 2 }] },
    ])
  },
)

test.each([null, 'red'])('with key %s a timeout is a failed attempt, which is retried', async (key) => {
  const eventId = await published(1, key)
  await drained(bus)

  await advanceTime({ minutes: 59 }, { bus })
  await drained(bus)
  const before = [...ran]
  await advanceTime({ minutes: 2 }, { bus })
  await drained(bus)
  await advanceTime({ minutes: 2 }, { bus })
  await drained(bus)

  expect(before).toEqual([[1, 1]])
  expect(ran).toEqual([
    [1, 1],
    [1, 2],
  ])
  expect((await bus.events.status(eventId))?.deliveries).toMatchObject([
    { state: 'awaiting', attempts: 2, errors: [{ attempt: 1, code: 'POSTBUS_COMPLETION_TIMEOUT' }] },
  ])
})

test('the finished event follows the completion', async () => {
  const Ended = defineEvent('imports.ended', { schema: z.object({ states: z.array(z.string()) }) })
  const Begun = defineEvent('imports.begun', {
    schema: z.object({}),
    finishedEvent: (_, deliveries) => Ended({ states: deliveries.map(({ state }) => state) }),
  })
  let deliveryId = ''
  const handler = defineHandler('imports.run', {
    on: Begun,
    handle(_, context) {
      deliveryId = context.deliveryId
      return awaitCompletion({ timeoutMs: AN_HOUR })
    },
  })
  const other = await aBus([handler], [Begun, Ended])
  await other.publish(Begun({}))
  await drained(other)
  const before = await other.events.count({ type: 'imports.ended' })

  await other.deliveries.complete(deliveryId)
  await drained(other)

  const { events } = await other.events.list({ type: 'imports.ended' })
  expect([before, events.map(({ data }) => data)]).toEqual([0, [{ states: ['done'] }]])
})

test('an operator can retry or skip a waiting head, and its key goes on', async () => {
  await published(1, 'red')
  await published(2, 'red')
  await drained(bus)
  const lane = { handler: 'notes.take', partitionKey: 'red' }

  await bus.lanes.retry(lane)
  await drained(bus)
  await bus.lanes.skipHead(lane)
  await drained(bus)
  await bus.deadLetters.retry({ all: true })
  await drained(bus)

  expect(ran.map(([n]) => n)).toEqual([1, 1, 2, 1])
})

test('the rates count a waiting attempt as done, and a timeout as failed', async () => {
  const worker = bus.worker({ pollMs: 50 })
  await worker.start()
  await published(1)
  await until('it waits', async () => (await stored(`data ? 'awaiting'`)) === 1)
  await advanceTime({ hours: 2 }, { bus })
  await until('its time is over', async () => (await stored(`jsonb_typeof(output) = 'array'`)) === 1)
  await advanceTime({ minutes: 2 }, { bus })
  await until('it was tried again', () => ran.length === 2)
  await worker.stop()

  expect((await bus.rates()).handlers).toMatchObject([{ handler: 'notes.take', done: 2, failed: 1 }])
})

test.each([
  ['no delivery', 'x', 'POSTBUS_NO_SUCH_DELIVERY'],
  ['one that is not stored', '00000000-0000-0001-abcd-abcdabcdabcd', 'POSTBUS_NO_SUCH_DELIVERY'],
])('%s is refused', async (_, id, code) => {
  await expect(bus.deliveries.complete(id)).rejects.toMatchObject({ code })
  await expect(bus.deliveries.fail(id, '')).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('an invalid timeout is refused', () => {
  for (const timeoutMs of [0, -1, Number.NaN, 366 * 86_400_000, '5' as never]) {
    expect(() => awaitCompletion({ timeoutMs })).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
  }
})

test('inline mode cannot wait: the publish is refused with a code', async () => {
  await using inline = createBus({ backend: 'inline', handlers: [waiting], onSignal: () => undefined })

  await expect(inline.publish(NoteTaken({ n: 1 }))).rejects.toMatchObject({ code: 'POSTBUS_INLINE_AWAITS' })
  await expect(inline.deliveries.complete('x')).rejects.toMatchObject({ code: 'POSTBUS_NO_DATABASE' })
})

async function aBus(
  handlers: AnyHandler[],
  events: NonNullable<Parameters<typeof createBus>[0]['events']>,
): Promise<Bus> {
  const { connectionString } = opened
  const other = createBus({ connectionString, handlers, events, onSignal: () => undefined })
  onTestFinished(() => other.close())
  await other.migrate()
  return other
}

async function stored(condition: string): Promise<number | null> {
  return (await opened.database.query(`select from pgboss.job where ${condition}`)).rowCount
}
