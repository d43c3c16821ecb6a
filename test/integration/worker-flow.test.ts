/** The flow of work through workers: which worker gets what, when, in which order, and how much at once. */
import { expect, onTestFinished, test } from 'vitest'
import type { AnyHandler, Bus, WorkerOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, aSignal, handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

/** Longer than any test, so nothing here happens because of a poll. */
const NO_POLL = { pollMs: 60_000 }

test('two workers share a backlog: each event is handled once, and both take part', async () => {
  const runs = { one: [] as number[], other: [] as number[] }
  const opened = await aBus()
  await publishing(
    opened,
    [handlerThat(() => undefined)],
    (n) => NoteTaken({ n, key: n % 2 ? `key ${n % 30}` : null }),
    300,
  )

  await Promise.all([
    anotherWorker(opened, [handlerThat((n) => soon(() => runs.one.push(n)))], { queues: BOTH(3) }).drain(),
    anotherWorker(opened, [handlerThat((n) => soon(() => runs.other.push(n)))], { queues: BOTH(3) }).drain(),
  ])

  expect([...runs.one, ...runs.other].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, n) => n))
  expect(runs.one.length).toBeGreaterThan(20)
  expect(runs.other.length).toBeGreaterThan(20)
})

test('a backlog of one key is handled one event at a time and in order, with any number of workers and slots', async () => {
  const runs: number[] = []
  let running = 0
  let most = 0
  const handler = handlerThat(async (n) => {
    most = Math.max(most, (running += 1))
    await soon(() => runs.push(n))
    running -= 1
  })
  const opened = await aBus()
  await publishing(opened, [handler], (n) => NoteTaken({ n, key: 'red' }), 60)

  const workers = [1, 2, 3].map(() => anotherWorker(opened, [handler], { ...NO_POLL, queues: BOTH(10) }))
  await Promise.all(workers.map((worker) => worker.start()))
  await until('all are handled', () => runs.length >= 60)

  expect(runs).toEqual(Array.from({ length: 60 }, (_, n) => n))
  expect(most).toBe(1)
})

test('a slow key does not delay others, and neither does a slow event without a key', async () => {
  const finish = aSignal()
  const runs: number[] = []
  const slow = handlerThat(async (n) => void (n === 0 || n === 1 ? await finish.promise : runs.push(n)))
  const opened = await aBus([slow])
  const worker = opened.bus.worker({ ...NO_POLL, queues: BOTH(2) })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()

  await opened.bus.publish([NoteTaken({ n: 0 }), NoteTaken({ n: 1, key: 'red' })])
  await opened.bus.publish([2, 3, 4, 5].map((n) => NoteTaken({ n, key: n % 2 ? `key ${n}` : null })))
  await until('the quick ones are done', () => runs.length === 4)
  finish.resolve()

  expect(runs.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5])
})

test('an event that commits late waits for its younger, running sibling, and delays no other key', async () => {
  const finish = aSignal()
  const runs: string[] = []
  const handler = handlerThat(async (n) => {
    runs.push(`${n} starts`)
    if (n === 2) await finish.promise
    runs.push(`${n} ends`)
  })
  const opened = await aBus([handler])
  const worker = opened.bus.worker({ pollMs: 50, queues: BOTH(5) })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  const late = await opened.database.connect()
  await late.query('begin')
  await opened.bus.publish(NoteTaken({ n: 1, key: 'red' }), { tx: late })

  await opened.bus.publish(NoteTaken({ n: 2, key: 'red' }))
  await until('the younger one runs', () => runs.length === 1)
  await late.query('commit')
  late.release()
  await opened.bus.publish(NoteTaken({ n: 3, key: 'blue' }))
  await until('the other key is handled', () => runs.length === 3)
  finish.resolve()
  await until('all are handled', () => runs.length === 6)

  expect(runs).toEqual(['2 starts', '3 starts', '3 ends', '2 ends', '1 starts', '1 ends'])
})

test('a worker runs as many deliveries at once as it has slots, and never more', async () => {
  const running = { now: 0, most: 0, total: 0 }
  const handler = handlerThat(async () => {
    running.most = Math.max(running.most, (running.now += 1))
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
    running.now -= 1
    running.total += 1
  })
  const opened = await aBus([handler])
  await opened.bus.publish(Array.from({ length: 60 }, (_, n) => NoteTaken({ n })))

  const worker = opened.bus.worker({ ...NO_POLL, queues: { events: 4 } })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  await until('the backlog is done without a poll', () => running.total === 60)

  expect(running.most).toBe(4)
})

test('more urgent deliveries run first', async () => {
  const order: string[] = []
  const handlers = [9, 0, 4].map((priority) =>
    handlerThat(() => void order.push(`priority ${priority}`), { name: `notes.priority-${priority}`, priority }),
  )
  const opened = await aBus(handlers)
  for (const handler of handlers) await publishing(opened, [handler], (n) => NoteTaken({ n }), 2) // least urgent first

  await opened.bus.worker({ queues: { events: 1 } }).drain()

  expect(order).toEqual([0, 0, 4, 4, 9, 9].map((priority) => `priority ${priority}`))
})

const BOTH = (concurrency: number) => ({ events: concurrency, events_partitioned: concurrency })

async function aBus(handlers: readonly AnyHandler[] = []): Promise<TestBus> {
  const opened = await openTestBus({ handlers })
  onTestFinished(() => opened.close())
  return opened
}

async function publishing(
  opened: TestBus,
  handlers: AnyHandler[],
  event: (n: number) => Parameters<Bus['publish']>[0],
  count: number,
): Promise<void> {
  const publisher = anotherBus(opened, handlers)
  await publisher.publish(Array.from({ length: count }, (_, n) => event(n)).flat())
  await publisher.close()
}

function anotherWorker(opened: TestBus, handlers: AnyHandler[], options: WorkerOptions) {
  const bus = anotherBus(opened, handlers)
  const worker = bus.worker(options)
  onTestFinished(async () => {
    await worker.stop()
    await bus.close()
  })
  return worker
}

function soon(step: () => unknown): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      step()
      resolve()
    }, Math.random() * 5)
  })
}
