/** While handlers are short, a worker claims deliveries before there are slots for them. The number of handlers that run at once stays. */
import { expect, onTestFinished, test } from 'vitest'
import type { AnyHandler, HandlerOptions, WorkerOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, aSignal, handlerThat, NoteTaken, type Doing } from '../support/notes.ts'
import { until } from '../support/until.ts'

const SLOTS = 4
const FOUR = { queues: { events: SLOTS }, pollMs: 500 }

test('more are claimed than there are slots, but no more handlers run', async () => {
  const { runs, mostAtOnce, mostClaimed } = await workedOff({})

  expect(runs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, n) => n))
  expect(mostAtOnce).toBe(SLOTS)
  expect(mostClaimed).toBeGreaterThan(5 * SLOTS)
})

test('no more are claimed for a handler that has only one attempt: its deliveries would die with the process before they begin', async () => {
  const { runs, mostAtOnce, mostClaimed } = await workedOff({ maxAttempts: 1 })

  expect(runs).toHaveLength(2_000)
  expect(mostAtOnce).toBe(SLOTS)
  expect(mostClaimed).toBeLessThanOrEqual(3 * SLOTS)
})

test('when the handlers become slow, what they were to handle next goes to another worker, without a used attempt', async () => {
  const { opened, finish, begun } = await slowedDown()
  const attempts: number[] = []
  const quick = anotherWorker(opened, [handlerThat((_, { attempt }) => void attempts.push(attempt))], FOUR)

  await quick.start()
  await until('all but the slow ones are done', () => begun.size + attempts.length >= 2_000)
  finish.resolve()

  expect(new Set(attempts)).toEqual(new Set([1]))
  expect(opened.signalsNamed('attempt.failed')).toEqual([])
})

test('a stop gives back at once what has not begun, and waits for what has', async () => {
  const { opened, slow, finish, begun } = await slowedDown()
  const attempts: number[] = []

  const stopped = slow.stop()
  const quick = anotherWorker(opened, [handlerThat((_, { attempt }) => void attempts.push(attempt))], FOUR)
  await quick.start()
  await until('all but the slow ones are done', () => begun.size + attempts.length >= 2_000)
  finish.resolve()

  expect(await stopped).toEqual({ givenBack: 0 })
  expect(new Set(attempts)).toEqual(new Set([1]))
})

/** 2,000 events, worked off by one worker. Each handler takes a turn of the event loop. */
async function workedOff(options: HandlerOptions) {
  const runs: number[] = []
  let running = 0
  let mostAtOnce = 0
  let mostClaimed = 0
  const opened = await aBacklog(async (n) => {
    mostAtOnce = Math.max(mostAtOnce, (running += 1))
    if (n % 100 === 99) mostClaimed = Math.max(mostClaimed, await claimed(opened))
    else await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    runs.push(n)
  }, options)
  await opened.bus.worker(FOUR).drain()
  return { runs, mostAtOnce, mostClaimed }
}

/** A worker whose handlers begin to wait for `finish` after some hundred events, when it has claimed ahead. */
async function slowedDown() {
  const finish = aSignal()
  const begun = new Set<number>()
  const isAhead = aSignal()
  let isSlow = false
  const opened = await aBacklog(async (n) => {
    begun.add(n)
    if (isSlow) return finish.promise
    if (begun.size % 100 === 99 && (await claimed(opened)) > 5 * SLOTS) isSlow = true
    else await new Promise((resolve) => setImmediate(resolve))
    if (isSlow) isAhead.resolve()
  })
  const slow = opened.bus.worker({ ...FOUR, shutdownGraceMs: 20_000 })
  onTestFinished(async () => {
    finish.resolve()
    await slow.stop()
  })
  await slow.start()
  await isAhead.promise
  return { opened, slow, finish, begun }
}

async function aBacklog(does: Doing, options: HandlerOptions = {}): Promise<TestBus> {
  const opened = await openTestBus({ handlers: [handlerThat(does, options)] })
  onTestFinished(() => opened.close())
  await opened.bus.publish(Array.from({ length: 2_000 }, (_, n) => NoteTaken({ n })))
  return opened
}

async function claimed({ database }: TestBus): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job where name = 'events' and state = 'active'`,
  )
  return rows[0]?.count ?? 0
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
