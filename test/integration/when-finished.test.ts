/** `bus.events.status` and `whenFinished`: the state of an event at its handlers, and waiting for its end. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { discard, skip, snooze, type AnyHandler, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, aSignal, handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test('the status names the state of each handler, with attempts, times and errors', async () => {
  const bus = aBus([
    handlerThat(() => undefined, { name: 'notes.done' }),
    handlerThat(() => skip('nothing to do'), { name: 'notes.skipped' }),
    handlerThat(() => discard('never'), { name: 'notes.dead' }),
    handlerThat(() => snooze({ hours: 1 }), { name: 'notes.snoozed' }),
    handlerThat(() => discard('no'), { name: 'notes.blocked', onDead: 'block' }),
    handlerThat(
      () => {
        throw new Error('not yet')
      },
      { name: 'notes.retrying', backoff: { initialMs: 60_000, factor: 1, jitter: 0 } },
    ),
  ])
  const event = NoteTaken({ n: 1, key: 'red' })
  await bus.publish(event)
  expect((await bus.events.status(event.id))?.deliveries.map(({ state }) => state)).toEqual(Array(6).fill('waiting'))

  await bus.worker().drain()

  const status = await bus.events.status(event.id)
  expect(status).toMatchObject({ event: { id: event.id, data: event.data, isRaw: false }, isFinished: false })
  expect(status?.deliveries).toMatchObject([
    { handler: 'notes.blocked', state: 'blocked', attempts: 1, reason: 'no' },
    { handler: 'notes.dead', state: 'dead', attempts: 1, reason: 'never', endedAt: expect.any(Date) },
    { handler: 'notes.done', state: 'done', attempts: 1, endedAt: expect.any(Date), reason: null, errors: [] },
    {
      handler: 'notes.retrying',
      state: 'retrying',
      attempts: 1,
      errors: [{ message: 'not yet' }],
      dueAt: expect.any(Date),
    },
    { handler: 'notes.skipped', state: 'skipped', reason: 'nothing to do' },
    { handler: 'notes.snoozed', state: 'snoozed', attempts: 0, dueAt: expect.any(Date) },
  ])
  const ids = status?.deliveries.map(({ deliveryId }) => deliveryId) ?? []
  expect(new Set(ids).size).toBe(6)
  expect(ids).toContain((await bus.deadLetters.list({ handler: 'notes.dead' })).deadLetters[0]?.deliveryId)
})

test('an event without handlers is finished, and an event that is not stored has no status', async () => {
  const bus = aBus([])
  const event = NoteTaken({ n: 1 })
  await bus.publish(event)

  expect(await bus.events.status(event.id)).toMatchObject({ isFinished: true, deliveries: [] })
  expect(await bus.events.status('00000000-0000-4000-8000-000000000000')).toBe(null)
  await expect(bus.events.status('7')).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('a dead event is finished, and a later retry does not undo that', async () => {
  const bus = aBus([handlerThat(() => discard('no'))])
  const event = NoteTaken({ n: 1, key: 'blue' })
  await bus.publish(event)
  await bus.worker().drain()

  await bus.deadLetters.retry({ handler: 'notes.take' })

  const status = await bus.events.status(event.id)
  expect(status?.deliveries).toMatchObject([{ state: 'waiting' }])
  expect(status?.isFinished).toBe(true)
})

test.each([
  ['without a key', null],
  ['in a lane', 'red'],
])('a wait ends when all handlers have ended, %s', async (_, key) => {
  const gate = aSignal()
  const bus = await working([
    handlerThat(() => undefined, { name: 'notes.quick' }),
    handlerThat(() => gate.promise, { name: 'notes.slow' }),
  ])
  const event = NoteTaken({ n: 1, key })
  let isOver = false

  const waits = Promise.all([1, 2].map(() => bus.events.whenFinished(event.id))).finally(() => (isOver = true))
  await bus.publish(event)
  await until('one is through', async () => (await statesOf(bus, event.id)).includes('done'))
  expect(isOver).toBe(false)
  gate.resolve()
  const [status] = await waits

  expect(status).toMatchObject({ isFinished: true, deliveries: [{ state: 'done' }, { state: 'done' }] })
})

test('with includeCaused a wait ends when everything that the event caused has ended, and not before', async () => {
  const gate = aSignal()
  const handled: number[] = []
  const bus: Bus = await working([
    handlerThat(async (n) => {
      if (n < 4) await bus.publish([NoteTaken({ n: n + 1 }), NoteTaken({ n: n + 10 })])
      if (n === 4) await gate.promise
      handled.push(n)
    }),
  ])
  const event = NoteTaken({ n: 1 })
  let isOver = false
  const wait = bus.events.whenFinished(event.id, { includeCaused: true }).finally(() => (isOver = true))

  await bus.publish(event)
  await until('all but the last have run', () => handled.length === 6)
  expect((await bus.events.status(event.id))?.isFinished).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(isOver).toBe(false)
  gate.resolve()
  await wait

  expect(handled.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4, 11, 12, 13])
})

test('a wait that times out, is aborted, or loses its bus, ends with an error that says so', async () => {
  const bus = aBus([handlerThat(() => undefined)])
  const event = NoteTaken({ n: 1 })
  await bus.publish(event)
  const abort = new AbortController()

  const late = bus.events.whenFinished(event.id, { timeoutMs: 50 })
  const givenUp = bus.events.whenFinished(event.id, { signal: abort.signal })
  const lost = bus.events.whenFinished(event.id)
  abort.abort(new Error('enough'))

  await expect(givenUp).rejects.toThrow('enough')
  await expect(late).rejects.toMatchObject({ code: 'POSTBUS_WAIT_TIMEOUT' })
  const closing = bus.close()
  await expect(lost).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await closing
})

test('a thousand waits use one connection and a few statements', async () => {
  const bus = await working([handlerThat(() => undefined)])
  const events = Array.from({ length: 1_000 }, (_, n) => NoteTaken({ n }))
  const waits = events.map(({ id }) => bus.events.whenFinished(id))
  await bus.publish(events)

  const statuses = await Promise.all(waits)

  expect(statuses.every(({ isFinished }) => isFinished)).toBe(true)
  await until('nothing is watched', async () => {
    const { rows } = await opened.database.query('select count(*)::integer as count from postbus.watch')
    return rows[0].count === 0
  })
})

function aBus(handlers: AnyHandler[]): Bus {
  const bus = anotherBus(opened, handlers)
  onTestFinished(() => bus.close())
  return bus
}

async function working(handlers: AnyHandler[]): Promise<Bus> {
  const bus = aBus(handlers)
  const worker = bus.worker()
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return bus
}

async function statesOf(bus: Bus, id: string) {
  return (await bus.events.status(id))?.deliveries.map(({ state }) => state) ?? []
}
