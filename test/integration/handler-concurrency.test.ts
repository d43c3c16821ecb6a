/** A handler's `concurrency`: never more than its limit at once, and a flood for it delays no other handler. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Bus, HandlerOptions, Worker } from '../../src/index.ts'
import { drainEvents } from '../../src/testing/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import {
  aWatch,
  FIRST_FAST,
  fastHandler,
  range,
  slowDeliveries,
  slowHandler,
  type SlowWork,
  type Watch,
} from '../support/limited.ts'
import { anotherBus, aSignal, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

/** The poll interval is longer than a test, so nothing here happens because of a poll. */
const NO_POLL = { pollMs: 60_000 }

let opened: TestBus
let slow: Watch
let fast: Watch
const buses: Bus[] = []
const workers: Worker[] = []

beforeEach(async () => {
  slow = aWatch()
  fast = aWatch()
  opened = await openTestBus({ handlers: [slowHandler(slow, () => undefined), fastHandler(fast)] })
})

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()))
  await Promise.all(buses.splice(0).map((bus) => bus.close()))
  await opened.close()
})

describe.each([
  ['a queue without keys', 'events', () => null],
  ['a queue with keys', 'events_partitioned', (n: number) => `key ${n % 1_000}`],
] as const)('in %s', (_, queue, keyOf) => {
  test('a flood for a slow handler at its limit lets other handlers of its queue through, and is handled completely in the end', async () => {
    const finish = aSignal()
    const work = () => finish.promise
    await publish([...range(5_000), ...range(200, FIRST_FAST)], keyOf)

    await aWorker(queue, { concurrency: 3, work })
    await until('the fast ones have run', () => fast.ended.length === 200, 60_000)

    expect(slow).toMatchObject({ running: 3, most: 3 })
    finish.resolve()
    await until('the slow ones have run', () => slow.ended.length === 5_000, 120_000)
    await until('they are settled', async () => (await slowDeliveries(opened.database)).completed === 5_000)
    expect(slow.most).toBe(3)
    expect(new Set(slow.ended).size).toBe(5_000)
  }, 180_000)

  test('two workers together keep the cluster limit', async () => {
    await publish(range(600), keyOf)

    const work = () => new Promise((resolve) => setImmediate(resolve))
    const options = { concurrency: { cluster: 4 }, work }
    await Promise.all([aWorker(queue, options), aWorker(queue, options)])
    await until('all have run', () => slow.ended.length === 600, 60_000)

    expect(slow.most).toBeLessThanOrEqual(4)
    expect(new Set(slow.ended).size).toBe(600)
  }, 90_000)

  test('a drain runs everything that is due, though most of it is set aside meanwhile', async () => {
    await publish(range(300), keyOf)

    const counts = await busWith({ concurrency: 2 }).worker().drain()

    expect(counts).toEqual({ done: 300, failed: 0, dead: 0, snoozed: 0 })
    expect(slow.most).toBeLessThanOrEqual(2)
  })

  test('drainEvents in a test runs everything too', async () => {
    await publish(range(300), keyOf)

    const counts = await drainEvents({ bus: busWith({ concurrency: { perProcess: 2, cluster: 1 } }) })

    expect(counts).toEqual({ done: 300, failed: 0, dead: 0, snoozed: 0 })
    expect(slow.most).toBe(1)
  })

  test('deliveries that were set aside run when a later deploy removes the limit', async () => {
    const { finish, worker } = await aFlood(queue, keyOf)
    finish.resolve()
    await worker.stop()
    const before = await slowDeliveries(opened.database)

    const counts = await busWith({}).worker().drain()

    expect(before.aside).toBeGreaterThan(0)
    expect(counts.done).toBe(before.waiting)
    expect((await slowDeliveries(opened.database)).completed).toBe(100)
  })

  test('a worker that stops leaves its set-aside deliveries to others, and gives back running ones', async () => {
    const { worker } = await aFlood(queue, keyOf)

    const stopped = await worker.stop()
    const { running, waiting } = await slowDeliveries(opened.database)
    await busWith({ concurrency: 5 }).worker().drain()

    expect({ ...stopped, running, waiting }).toEqual({ givenBack: 1, running: 0, waiting: 100 })
    await until('what was given back is due', async () => {
      await busWith({ concurrency: 5 }).worker().drain()
      return (await slowDeliveries(opened.database)).completed === 100
    })
  })

  test('retries, snoozes and dead letters count towards the limit only while they run', async () => {
    const outcomes = new Map<number, number>()
    const work: SlowWork = (n, { attempt }) => {
      outcomes.set(n, (outcomes.get(n) ?? 0) + 1)
      if (n % 3 === 0 && attempt < 3) throw new Error('again')
      if (n % 3 === 1 && attempt < 4) throw new Error('for good')
    }
    await publish(range(30), keyOf)

    await aWorker(queue, { concurrency: 2, maxAttempts: 3, work })
    await until('all have ended', async () => {
      const { waiting, running } = await slowDeliveries(opened.database)
      return waiting + running === 0
    })

    expect(slow.most).toBeLessThanOrEqual(2)
    expect(range(30).map((n) => outcomes.get(n))).toEqual(range(30).map((n) => (n % 3 === 2 ? 1 : 3)))
    expect(await opened.bus.deadLetters.count()).toBe(10)
  })

  /** One attempt runs and does not end. Some of the other 99 deliveries are set aside. */
  async function aFlood(where: string, key: (n: number) => string | null) {
    const finish = aSignal()
    await publish(range(100), key)
    const worker = await aWorker(where, { concurrency: 1, work: (n) => (n === 0 ? finish.promise : undefined) })
    await until('the first runs', () => slow.began.length > 0)
    await until('others are set aside', async () => (await slowDeliveries(opened.database)).aside > 0)
    return { finish, worker }
  }
})

test('deliveries of a handler with and without a key share its limit', async () => {
  await publish(range(200), (n) => (n % 2 === 0 ? null : `key ${n}`))

  const worker = busWith({ concurrency: 2, work: () => new Promise((resolve) => setImmediate(resolve)) }).worker(
    NO_POLL,
  )
  workers.push(worker)
  await worker.start()
  await until('all have run', () => slow.ended.length === 200)

  expect(slow.most).toBe(2)
})

test('with both limits the smaller one applies', async () => {
  await publish(range(100), () => null)

  const options = {
    concurrency: { perProcess: 3, cluster: 2 },
    work: () => new Promise((resolve) => setImmediate(resolve)),
  }
  await aWorker('events', options)
  await until('all have run', () => slow.ended.length === 100)

  expect(slow.most).toBe(2)
})

async function publish(numbers: readonly number[], keyOf: (n: number) => string | null): Promise<void> {
  for (let start = 0; start < numbers.length; start += 1_000) {
    await opened.bus.publish(numbers.slice(start, start + 1_000).map((n) => NoteTaken({ n, key: keyOf(n) })))
  }
}

function busWith({ work = () => undefined, ...options }: HandlerOptions & { readonly work?: SlowWork }): Bus {
  const bus = anotherBus(opened, [slowHandler(slow, work, options), fastHandler(fast)])
  buses.push(bus)
  return bus
}

async function aWorker(queue: string, options: HandlerOptions & { readonly work?: SlowWork }): Promise<Worker> {
  const worker = busWith(options).worker({ ...NO_POLL, queues: { [queue]: 10 }, shutdownGraceMs: 100 })
  workers.push(worker)
  await worker.start()
  return worker
}
