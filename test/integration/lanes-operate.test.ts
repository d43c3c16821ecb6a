/** `bus.lanes`: an operator sees the keys that stand still, and gets one going again. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { aSignal, handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

const IN_AN_HOUR = { initialMs: 3_600_000, factor: 1, jitter: 0 }
const BLOCKED = { handler: 'notes.block', partitionKey: 'red' }
const RETRYING = { handler: 'notes.retry', partitionKey: 'red' }

let isBroken = true
const runs: string[] = []
const attempt = (name: string) => (n: number) => {
  runs.push(`${name} ${n}`)
  if (isBroken && n === 1) throw new Error('out of ink')
}
const handlers = [
  handlerThat(attempt('block'), { name: 'notes.block', onDead: 'block', maxAttempts: 1 }),
  handlerThat(attempt('retry'), { name: 'notes.retry', backoff: IN_AN_HOUR, maxAttempts: 3 }),
]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  isBroken = true
  await opened.bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'red' })))
  await opened.bus.publish(NoteTaken({ n: 4, key: 'blue: dark' }))
  await drained(opened.bus)
  runs.length = 0
})

describe('list', () => {
  test('shows blocked lanes first, then the lanes that have waited longest, with the number of deliveries behind each head', async () => {
    await opened.database.query(`update postbus.event set published_at = published_at - interval '1 day'`)
    await opened.bus.publish(NoteTaken({ n: 1, key: 'green' }))

    const { lanes, cursor } = await opened.bus.lanes.list()

    expect(lanes.map(({ handler, partitionKey, state, behind }) => [handler, partitionKey, state, behind])).toEqual([
      ['notes.block', 'red', 'blocked', 2],
      ['notes.retry', 'red', 'retrying', 2],
      ['notes.block', 'green', 'waiting', 0],
      ['notes.retry', 'green', 'waiting', 0],
    ])
    expect(cursor).toBeNull()
    expect(lanes[0]).toMatchObject({ queue: 'events_partitioned', eventType: 'notes.note-taken', dueAt: null })
    expect(lanes[0]?.errors).toEqual([expect.objectContaining({ attempt: 1, message: 'out of ink' })])
  })

  test('is narrowed by handler, state and limit', async () => {
    const pages = [
      { handler: 'notes.retry' },
      { state: 'blocked' },
      { state: 'retrying' },
      { limit: 1 },
      { handler: 'notes.unknown' },
    ] as const

    const found = await Promise.all(pages.map((page) => opened.bus.lanes.list(page)))

    expect(found.map(({ lanes }) => lanes.map(({ handler }) => handler))).toEqual([
      ['notes.retry'],
      ['notes.block'],
      ['notes.retry'],
      ['notes.block'],
      [],
    ])
  })
})

test('show returns one lane, or null for a lane in which nothing waits', async () => {
  await opened.bus.publish(NoteTaken({ n: 1, key: 'a: b' }))

  expect(await opened.bus.lanes.show(RETRYING)).toMatchObject({ ...RETRYING, state: 'retrying', behind: 2 })
  expect(await opened.bus.lanes.show({ ...RETRYING, partitionKey: 'a: b' })).toMatchObject({ state: 'waiting' })
  expect(await opened.bus.lanes.show({ ...RETRYING, partitionKey: 'blue: dark' })).toBeNull()
})

describe('retry', () => {
  test('runs a head now that waits for its backoff, and its lane goes on in order', async () => {
    isBroken = false

    const report = await opened.bus.lanes.retry(RETRYING)
    await drained(opened.bus)

    expect(report).toEqual({ count: 1 })
    expect(runs).toEqual(['retry 1', 'retry 2', 'retry 3'])
  })

  test('gives a head that blocks its lane all its attempts again', async () => {
    isBroken = false

    const report = await opened.bus.lanes.retry(BLOCKED)
    await drained(opened.bus)

    expect(report).toEqual({ count: 1 })
    expect(runs).toEqual(['block 1', 'block 2', 'block 3'])
    expect(await opened.bus.deadLetters.count()).toBe(0)
  })
})

describe('skipHead', () => {
  test.each([BLOCKED, RETRYING])(
    'lets the lane of $handler go on without its head, which becomes a dead letter',
    async (lane) => {
      const skipped = await opened.bus.lanes.show(lane)
      const report = await opened.bus.lanes.skipHead(lane)
      await drained(opened.bus)

      expect(runs).toEqual([2, 3].map((n) => `${lane.handler.slice('notes.'.length)} ${n}`))
      const letters = (await opened.bus.deadLetters.list({ handler: lane.handler })).deadLetters
      expect(report).toEqual({ count: 1 })
      expect(letters).toMatchObject([{ deliveryId: skipped?.deliveryId, blocksKey: false, partitionKey: 'red' }])
      expect(letters[0]?.attempts).toHaveLength(1)
    },
  )

  test('a skipped delivery that is retried later runs after the deliveries that have passed it', async () => {
    const skipped = await opened.bus.lanes.show(RETRYING)
    await opened.bus.lanes.skipHead(RETRYING)
    await drained(opened.bus)
    isBroken = false

    await opened.bus.deadLetters.retry({ deliveryIds: [skipped?.deliveryId ?? ''] })
    await drained(opened.bus)

    expect(runs).toEqual(['retry 2', 'retry 3', 'retry 1'])
  })

  test('wakes an idle worker', async () => {
    const worker = opened.bus.worker({ pollMs: 60_000 })
    onTestFinished(async () => void (await worker.stop()))
    await worker.start()

    await opened.bus.lanes.skipHead(BLOCKED)
    await until('the lane went on', () => runs.length === 2)

    expect(runs).toEqual(['block 2', 'block 3'])
  })
})

test('a lane that does not exist, or that is running, is refused with a code', async () => {
  const finish = aSignal()
  const running = handlerThat(() => finish.promise, { name: 'notes.run' })
  const other = await openTestBus({ handlers: [running] })
  onTestFinished(() => other.close())
  const worker = other.bus.worker()
  await worker.start()
  await other.bus.publish(NoteTaken({ n: 1, key: 'red' }))
  const lane = { handler: 'notes.run', partitionKey: 'red' }
  await until('it runs', async () => (await other.bus.lanes.show(lane))?.state === 'running')

  await expect(other.bus.lanes.skipHead(lane)).rejects.toMatchObject({ code: 'POSTBUS_LANE_RUNS' })
  await expect(other.bus.lanes.retry(lane)).rejects.toMatchObject({ code: 'POSTBUS_LANE_RUNS' })
  await expect(other.bus.lanes.skipHead({ ...lane, partitionKey: 'x' })).rejects.toMatchObject({
    code: 'POSTBUS_NO_SUCH_LANE',
  })

  finish.resolve()
  await worker.stop()
})
