/** Batches of deliveries with keys: consecutive events of their lanes, in order, and no lane in two batches at once. */
import { expect, test } from 'vitest'
import { awaitCompletion, discard, failed, skip } from '../../src/index.ts'
import { batched, notes, withHandlers, working, type DoingBatch } from '../support/batches.ts'
import { aSignal, handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

const NO_POLL = { pollMs: 60_000 }

test.concurrent(
  'a batch holds consecutive events of a key, and the next batch goes on where it ended',
  async (around) => {
    const { handler, batches } = batched(undefined, { batchSize: 10, maxWaitMs: 20 })
    const opened = await withHandlers(around, handler)
    await opened.bus.publish(notes(25, () => 'red'))

    await working(around, opened, NO_POLL)
    await until('all have run', () => batches.flat().length === 25)

    expect(batches.flat()).toEqual(numbers(1, 25))
    expect(batches[0]).toHaveLength(10)
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(10)
    await until('all are settled', async () => (await storedNotes(opened)).every(({ state }) => state === 'completed'))
  },
)

test.concurrent('a batch holds events of many keys and without keys, with each key in order', async (around) => {
  const { handler, batches } = batched(undefined, { batchSize: 60, maxWaitMs: 60_000 })
  const opened = await withHandlers(around, handler)
  await opened.bus.publish([
    ...notes(50, (n) => `key ${n % 5}`),
    ...notes(10).map(({ data }) => NoteTaken({ n: 100 + data.n })),
  ])

  await working(around, opened, { ...NO_POLL, queues: { events: 2, events_partitioned: 2 } })
  await until('a batch has run', () => batches.length === 1)

  expect(batches[0]!.toSorted((one, other) => one - other)).toEqual([...numbers(1, 50), ...numbers(101, 110)])
  for (const rest of [0, 1, 2, 3, 4]) {
    const ofKey = batches[0]!.filter((n) => n <= 50 && n % 5 === rest)
    expect(ofKey).toEqual(ofKey.toSorted((one, other) => one - other))
  }
})

test.concurrent('a key is in one batch at a time, while others go on', async (around) => {
  const finish = aSignal()
  const { handler, batches } = batched(
    (events) => (events.some(({ data }) => data.key === 'red') ? finish.promise : null),
    {
      batchSize: 2,
      maxWaitMs: 10,
    },
  )
  const opened = await withHandlers(around, handler)
  await working(around, opened, NO_POLL)
  await opened.bus.publish(notes(6, () => 'red'))
  await until('the first batch runs', () => batches.length === 1)

  await opened.bus.publish(notes(4, () => 'green').map(({ data }) => NoteTaken({ n: 10 + data.n, key: 'green' })))
  await until('the other key is through', () => batches.flat().includes(14))

  expect(batches.filter((batch) => batch[0]! < 10)).toEqual([[1, 2]])
  finish.resolve()
  await until('the key goes on', () => batches.flat().length === 10)
  expect(batches.flat().filter((n) => n < 10)).toEqual(numbers(1, 6))
})

test.concurrent('behind a member that awaits completion, later members of its key count as not run', async (around) => {
  const { handler, batches } = batched(
    (events, { outcomes }) => {
      const first = events.find(({ data }) => data.n === 1)
      if (first) outcomes.set(first, awaitCompletion({ timeoutMs: 3_600_000 }))
    },
    { batchSize: 3, maxWaitMs: 10 },
  )
  const opened = await withHandlers(around, handler)
  const { events } = await opened.bus.publish(notes(3, () => 'red'))
  await working(around, opened, { pollMs: 50 })
  const states = async () =>
    Promise.all(events.map(async ({ id }) => (await opened.bus.events.status(id))!.deliveries[0]!))
  await until('the first one waits', async () => (await states())[0]!.state === 'awaiting')

  expect((await states()).slice(1)).toMatchObject([
    { state: 'parked', attempts: 0 },
    { state: 'parked', attempts: 0 },
  ])
  await opened.bus.deliveries.complete((await storedNotes(opened))[0]!.id)
  await until('the others have run again', async () => (await states()).every(({ state }) => state === 'done'))

  expect(batches[0]).toEqual([1, 2, 3])
  expect(batches.slice(1).flat()).toEqual([2, 3])
})

test.concurrent(
  'behind a failed member, later members of its key come again after it and use no attempt',
  async (around) => {
    let failures = 0
    const { handler, batches } = batched(
      (events, { outcomes }) => {
        const bad = events.find(({ data }) => data.n === 3)
        if (bad && ++failures <= 2) outcomes.set(bad, failed('once more'))
      },
      { batchSize: 10, maxWaitMs: 20 },
    )
    const opened = await withHandlers(around, handler)
    const events = notes(5, () => 'red')
    await opened.bus.publish(events)

    await working(around, opened)
    const statuses = await Promise.all(events.map(({ id }) => opened.bus.events.whenFinished(id)))

    expect(statuses.map(({ deliveries: [one] }) => [one!.state, one!.attempts])).toEqual([
      ['done', 1],
      ['done', 1],
      ['done', 3],
      ['done', 1],
      ['done', 1],
    ])
    expect(batches.slice(0, 3)).toEqual([numbers(1, 5), [3], [3]])
    expect(batches.slice(3).flat()).toEqual([4, 5])
  },
)

test.concurrent(
  'a throw fails the first member of each key, and the members behind it count as not run',
  async (around) => {
    let calls = 0
    const { handler, batches } = batched(
      () => {
        if (++calls === 1) throw new Error('the target is down')
      },
      { batchSize: 6, maxWaitMs: 60_000, backoff: () => 60_000 },
    )
    const opened = await withHandlers(around, handler)
    const worker = opened.bus.worker({ pollMs: 60_000 })
    around.onTestFinished(() => worker.stop().then(() => undefined))
    await opened.bus.publish(notes(6, (n) => `key ${n % 2}`))

    await worker.start()
    await until('the first of each key has failed', () => worker.counts().failed === 2)

    expect(batches[0]!.length).toBe(6)
    expect(opened.signalsNamed('attempt.failed')).toHaveLength(2)
    expect((await storedNotes(opened)).map(({ used }) => used)).toEqual([1, 1, 0, 0, 0, 0])
  },
)

test.concurrent('skipped and dead members make way within their batch, and nothing runs twice', async (around) => {
  const does: DoingBatch = (events, { outcomes }) => {
    for (const event of events) {
      if (event.data.n % 3 === 1) outcomes.set(event, skip('nothing to do'))
      if (event.data.n % 3 === 2) outcomes.set(event, discard('never'))
    }
  }
  const { handler, batches } = batched(does, { batchSize: 10, maxWaitMs: 20 })
  const opened = await withHandlers(around, handler)
  const events = notes(9, () => 'red')
  await opened.bus.publish(events)

  await working(around, opened)
  const statuses = await Promise.all(events.map(({ id }) => opened.bus.events.whenFinished(id)))

  expect(batches).toEqual([numbers(1, 9)])
  expect(statuses.map(({ deliveries: [one] }) => one!.state)).toEqual(
    events.map(({ data }) => ['done', 'skipped', 'dead'][data.n % 3]),
  )
})

test.concurrent(
  'a dead member that blocks its key holds back members behind it, though they were in its batch',
  async (around) => {
    const { handler, batches } = batched(
      (events, { outcomes }) => {
        for (const event of events) if (event.data.n === 2) outcomes.set(event, discard('never'))
      },
      { batchSize: 10, maxWaitMs: 20, onDead: 'block' },
    )
    const opened = await withHandlers(around, handler)
    const events = notes(4, () => 'red')
    await opened.bus.publish(events)

    await working(around, opened)
    await until(
      'the key is blocked',
      async () => (await opened.bus.lanes.list({ state: 'blocked' })).lanes.length === 1,
    )

    expect(batches).toEqual([[1, 2, 3, 4]])
    const { deliveries } = (await opened.bus.events.status(events[2]!.id))!
    expect(deliveries[0]).toMatchObject({ attempts: 0 })
    await opened.bus.deadLetters.dismiss({ handler: 'notes.store' }, { by: 'a test' })
    await until('the key goes on', () => batches.length > 1)
    expect(batches.slice(1)).toEqual([[3, 4]])
  },
)

test.concurrent('a batch of keys takes one slot, and other handlers use the others', async (around) => {
  const finish = aSignal()
  const others: number[] = []
  const { handler, batches } = batched(() => finish.promise, { batchSize: 30, maxWaitMs: 60_000 })
  const other = handlerThat((n) => void others.push(n))
  const opened = await withHandlers(around, handler, other)
  await working(around, opened, { ...NO_POLL, queues: { events_partitioned: 2 } })

  await opened.bus.publish(notes(40, (n) => `key ${n}`))
  await until('the other handler has run for all', () => others.length === 40)

  expect(batches.map((batch) => batch.length)).toEqual([30])
  finish.resolve()
})

test.concurrent('an expired event ends alone, and is in no batch', async (around) => {
  const { handler, batches } = batched(undefined, { batchSize: 10, maxWaitMs: 20 })
  const opened = await withHandlers(around, handler)
  const events = [1, 2, 3, 4].map((n) =>
    NoteTaken({ n, key: n < 4 ? 'red' : null }, { ttlMs: n % 2 === 0 ? 1 : 60_000 }),
  )
  await opened.bus.publish(events)
  await until('they have expired', async () => {
    const { rows } = await opened.database.query('select from postbus.event where expires_at < now()')
    return rows.length === 2
  })

  await working(around, opened)
  const statuses = await Promise.all(events.map(({ id }) => opened.bus.events.whenFinished(id)))

  expect(statuses.map(({ deliveries: [one] }) => one!.state)).toEqual(['done', 'expired', 'done', 'expired'])
  expect(batches.flat()).toEqual([1, 3])
})

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place)
}
