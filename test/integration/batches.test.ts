/** Batch handlers: many events in one call, each with a delivery of its own. */
import { expect, test } from 'vitest'
import { discard, failed, skip, snooze } from '../../src/index.ts'
import { batched, notes, withHandlers, working } from '../support/batches.ts'
import { aSignal, handlerThat, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

/** The poll interval is longer than a test, so nothing here happens because of a poll. */
const NO_POLL = { pollMs: 60_000 }
const LONG = { maxWaitMs: 60_000 }

test.concurrent('a batch is as large as its size, even if the queue has fewer slots', async (around) => {
  const { handler, batches } = batched(undefined, { batchSize: 50, ...LONG })
  const opened = await withHandlers(around, handler)
  await opened.bus.publish(notes(100))

  await working(around, opened, { ...NO_POLL, queues: { events: 5 } })
  await until('two batches have run', () => batches.length === 2)

  expect(batches.map((batch) => batch.length)).toEqual([50, 50])
  expect(new Set(batches.flat()).size).toBe(100)
  await until('all are settled', async () => (await storedNotes(opened)).every(({ state }) => state === 'completed'))
})

test.concurrent('a batch that is not full begins after its wait', async (around) => {
  const { handler, batches } = batched(undefined, { batchSize: 50, maxWaitMs: 50 })
  const opened = await withHandlers(around, handler)
  await working(around, opened, NO_POLL)

  await opened.bus.publish(notes(3))
  await until('a batch has run', () => batches.length === 1)

  expect(batches).toEqual([[1, 2, 3]])
})

test.concurrent('a batch takes no slot while it gathers, and one slot while it runs, at any size', async (around) => {
  const finish = aSignal()
  const others: number[] = []
  const { handler, batches } = batched(() => finish.promise, { batchSize: 30, ...LONG })
  const other = handlerThat((n) => void others.push(n))
  const opened = await withHandlers(around, handler, other)
  await working(around, opened, { ...NO_POLL, queues: { events: 2 } })

  await opened.bus.publish(notes(40))
  await until('the other handler has run for all', () => others.length === 40)

  expect(batches.map((batch) => batch.length)).toEqual([30])
  finish.resolve()
})

test.concurrent('a queue with one slot also has batches, one at a time', async (around) => {
  let running = 0
  let most = 0
  const others: number[] = []
  const busy = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
  }
  const { handler, batches } = batched(busy, { batchSize: 10, ...LONG })
  const other = handlerThat(async (n) => {
    await busy()
    others.push(n)
  })
  const opened = await withHandlers(around, handler, other)
  await working(around, opened, { ...NO_POLL, queues: { events: 1 } })

  await opened.bus.publish(notes(30))
  await until('all have run', () => others.length === 30 && batches.length === 3)

  expect(most).toBe(1)
})

test.concurrent('at most `concurrency` batches of a handler run at once', async (around) => {
  let running = 0
  let most = 0
  const { handler, batches } = batched(
    async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
    },
    { batchSize: 5, maxWaitMs: 5, concurrency: 2 },
  )
  const opened = await withHandlers(around, handler)
  await opened.bus.publish([...notes(60), ...notes(60, (n) => `key ${n % 7}`)])

  await working(around, opened)
  await until('all have run', () => batches.flat().length === 120)

  expect(most).toBe(2)
  expect(Math.max(...batches.map((batch) => batch.length))).toBe(5)
})

test.concurrent(
  'one outcome applies to all members, and each is an ordinary delivery with its own attempts and errors',
  async (around) => {
    const { handler, batches } = batched((_, context) => failed(`not now ${context.maxAttempts}`), {
      batchSize: 3,
      ...LONG,
      maxAttempts: 2,
    })
    const opened = await withHandlers(around, handler)
    const events = notes(3)
    await opened.bus.publish(events)

    await working(around, opened)
    await until('all are dead', async () => (await opened.bus.deadLetters.count()) === 3)

    expect(batches[0]).toEqual([1, 2, 3])
    const { deliveries } = (await opened.bus.events.status(events[0]!.id))!
    expect(deliveries).toMatchObject([{ handler: 'notes.store', state: 'dead', attempts: 2 }])
    expect(deliveries[0]!.errors.map(({ message }) => message)).toEqual(['not now 2', 'not now 2'])
  },
)

test.concurrent('an event can have its own outcome', async (around) => {
  const { handler, batches } = batched(
    (events, { outcomes, deliveryOf }) => {
      const [, second, third, fourth] = events
      if (events.length === 1 && deliveryOf(events[0]!).attempt === 2) return
      outcomes.set(second!, failed('once more'))
      outcomes.set(third!, discard('never'))
      outcomes.set(fourth!, skip('nothing to do'))
    },
    { batchSize: 4, maxWaitMs: 500 },
  )
  const opened = await withHandlers(around, handler)
  const events = notes(4)
  await opened.bus.publish(events)

  await working(around, opened)
  const statuses = await Promise.all(events.map(({ id }) => opened.bus.events.whenFinished(id)))

  expect(statuses.map(({ deliveries: [one] }) => [one!.state, one!.attempts])).toEqual([
    ['done', 1],
    ['done', 2],
    ['dead', 1],
    ['skipped', 1],
  ])
  expect(batches).toEqual([[1, 2, 3, 4], [2]])
})

test.concurrent('a throw fails all events, also those with their own outcome', async (around) => {
  let calls = 0
  const { handler, batches } = batched(
    (events, { outcomes }) => {
      calls += 1
      if (calls > 1) return
      outcomes.set(events[0]!, discard('never'))
      throw new Error('the target is down')
    },
    { batchSize: 2, maxWaitMs: 200 },
  )
  const opened = await withHandlers(around, handler)
  await opened.bus.publish(notes(2))

  await working(around, opened)
  await until('all are done', async () => (await storedNotes(opened)).every(({ state }) => state === 'completed'))

  expect(batches).toEqual([
    [1, 2],
    [1, 2],
  ])
})

test.concurrent(
  'one event that always fails the batch becomes a dead letter, and its neighbours do not',
  async (around) => {
    const { handler } = batched(
      (events) => {
        if (events.some(({ data }) => data.n === 3)) throw new Error('bad member')
      },
      { batchSize: 5, maxWaitMs: 50, maxAttempts: 3 },
    )
    const opened = await withHandlers(around, handler)
    const events = notes(5)
    await opened.bus.publish(events)

    await working(around, opened)
    const statuses = await Promise.all(events.map(({ id }) => opened.bus.events.whenFinished(id)))

    expect(statuses.map(({ deliveries: [one] }) => one!.state)).toEqual(['done', 'done', 'dead', 'done', 'done'])
  },
)

test.concurrent('a snooze puts off all members, and uses no attempt', async (around) => {
  let calls = 0
  const { handler, batches } = batched(() => (++calls === 1 ? snooze({ seconds: 0.05 }) : undefined), {
    batchSize: 2,
    maxWaitMs: 200,
  })
  const opened = await withHandlers(around, handler)
  await opened.bus.publish(notes(2))

  await working(around, opened)
  await until('all are done', async () => (await storedNotes(opened)).every(({ state }) => state === 'completed'))

  expect(batches).toEqual([
    [1, 2],
    [1, 2],
  ])
  expect((await storedNotes(opened)).map(({ used }) => used)).toEqual([1, 1])
})

test.concurrent('the time limit is for the batch: its signal is aborted, and all members fail', async (around) => {
  const { handler, batches } = batched(
    (_, { signal }) =>
      batches.length > 1
        ? undefined
        : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('told to stop')))),
    { batchSize: 2, maxWaitMs: 200, timeoutMs: 100 },
  )
  const opened = await withHandlers(around, handler)
  const events = notes(2)
  await opened.bus.publish(events)

  await working(around, opened)
  const statuses = await Promise.all(events.map(({ id }) => opened.bus.events.whenFinished(id)))

  expect(statuses.map(({ deliveries: [one] }) => one!.errors.map(({ code }) => code))).toEqual([
    ['POSTBUS_HANDLER_TIMEOUT'],
    ['POSTBUS_HANDLER_TIMEOUT'],
  ])
})
