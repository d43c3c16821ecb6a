/** A worker's life: start, stop, drain, and refused uses. */
import { expect, onTestFinished, test } from 'vitest'
import { createBus, defineEvent, defineHandler, type AnyHandler, type BusSignal, type Worker } from '../../src/index.ts'
import { z } from 'zod'
import { openTestBus } from '../support/bus.ts'
import { aSignal, handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

const OrderPlaced = defineEvent('worker.order-placed', { schema: z.object({ n: z.number() }) })

test('start resolves when the worker works, and stop when nothing runs any more', async () => {
  const finish = aSignal()
  const { bus, signalsNamed, started } = await aBus(handlerThat(() => finish.promise))
  await bus.publish(NoteTaken({ n: 1 }))
  const worker = bus.worker()

  await worker.start()
  await started(1)
  const stopping = worker.stop()
  const early = await Promise.race([stopping, Promise.resolve('still stopping')])
  finish.resolve()

  expect(early).toBe('still stopping')
  expect(await stopping).toEqual({ givenBack: 0 })
  expect(worker.counts()).toEqual({ done: 1, failed: 0, dead: 0, snoozed: 0 })
  expect(signalsNamed('worker.started').length).toBe(1)
  expect(signalsNamed('worker.stopped').length).toBe(1)
})

test('stop resolves only after everything that ran is settled', async () => {
  const { bus, opened } = await aBus(handlerThat(() => undefined))
  await bus.publish(Array.from({ length: 300 }, (_, n) => NoteTaken({ n, key: n % 2 ? String(n) : null })))
  const worker = await startedWorker(bus.worker())
  await until('some are done', () => worker.counts().done > 20)

  await worker.stop()

  const states = (await storedNotes(opened)).map(({ state, used }) => `${state} ${used}`)
  expect(states.filter((state) => state === 'completed 1')).toHaveLength(worker.counts().done)
  expect(states.filter((state) => !['completed 1', 'created 0', 'retry 0'].includes(state))).toEqual([])
})

test('a worker can be started once, and not after it was stopped', async () => {
  const { bus } = await aBus()
  const worker = await startedWorker(bus.worker())
  const stopped = bus.worker()

  expect(await stopped.stop()).toEqual({ givenBack: 0 })

  await expect(worker.start()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await expect(worker.drain()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await expect(stopped.start()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await worker.stop()
  expect(await worker.stop()).toEqual({ givenBack: 0 })
})

test('a queue that no handler uses is refused, and so is one that is not in the database', async () => {
  const { bus, opened } = await aBus(handlerThat(() => undefined, { queue: 'letters' }))
  await opened.database.query(`delete from pgboss.queue where name = 'letters'`)

  await expect(bus.worker({ queues: { parcels: 1 } }).start()).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_OPTIONS',
    message: expect.stringContaining('events, events_partitioned, letters, letters_partitioned') as string,
  })
  await expect(bus.worker({ queues: { letters: 1 } }).start()).rejects.toMatchObject({ code: 'POSTBUS_QUEUE_MISSING' })
})

test('a worker works on the queues of its options, and leaves the others alone', async () => {
  const { bus, opened } = await aBus(handlerThat(() => undefined))
  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' })])

  await bus.worker({ queues: { events_partitioned: 1 } }).drain()

  expect((await storedNotes(opened)).map(({ state }) => state)).toEqual(['created', 'completed'])
})

test('stop ends a start that cannot reach the database', async () => {
  const signals: BusSignal[] = []
  const onSignal = (signal: BusSignal) => void signals.push(signal)
  const bus = createBus({ connectionString: 'postgres://nobody@127.0.0.1:1/nothing', onSignal })
  const worker = bus.worker()
  const starting = worker.start()
  await until('it has tried twice', () => signals.filter(({ name }) => name === 'database.unreachable').length >= 2)

  const startedAt = performance.now()
  await worker.stop()
  await starting

  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect(signals.map(({ name }) => name)).not.toContain('worker.started')
})

test('drain runs everything that is due, and leaves later deliveries', async () => {
  const runs: number[] = []
  const failing = handlerThat(
    (n) => {
      runs.push(n)
      if (n === 2) throw new Error('not today')
    },
    { backoff: { initialMs: 60_000, jitter: 0 } },
  )
  const { bus, opened } = await aBus(failing)
  await bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))

  const counts = await bus.worker().drain()

  expect(counts).toEqual({ done: 2, failed: 1, dead: 0, snoozed: 0 })
  expect(new Set(runs)).toEqual(new Set([1, 2, 3]))
  const [, waiting] = await storedNotes(opened)
  expect(waiting).toMatchObject({ state: 'retry', used: 1 })
  expect(waiting!.waitMs).toBeGreaterThan(30_000)
})

test('drain goes on until nothing is due in any queue, also if handlers publish from one queue to another', async () => {
  const runs: string[] = []
  const relay = defineHandler('worker.relay', {
    on: OrderPlaced,
    async handle({ data }, { publish }) {
      runs.push(`order ${data.n}`)
      await new Promise((resolve) => setTimeout(resolve, 100)) // the other queue is empty by then
      await publish(NoteTaken({ n: data.n, key: 'red' }))
    },
  })
  const answer = handlerThat(async (n, { publish }) => {
    runs.push(`note ${n}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (n > 0) await publish(OrderPlaced({ n: n - 1 }))
  })
  const { bus } = await aBus(relay, answer)
  await bus.publish(OrderPlaced({ n: 2 }))

  const counts = await bus.worker().drain()

  expect(runs).toEqual(['order 2', 'note 2', 'order 1', 'note 1', 'order 0', 'note 0'])
  expect(counts.done).toBe(6)
})

test('drain of a backlog with many keys leaves nothing behind', async () => {
  const { bus, opened } = await aBus(
    handlerThat(() => new Promise((resolve) => setTimeout(resolve, Math.random() * 5))),
  )
  await bus.publish(Array.from({ length: 200 }, (_, n) => NoteTaken({ n, key: `key ${n % 7}` })))

  const counts = await bus.worker({ queues: { events_partitioned: 10 } }).drain()

  expect(counts.done).toBe(200)
  expect(new Set((await storedNotes(opened)).map(({ state }) => state))).toEqual(new Set(['completed']))
})

test('a closed bus does not end the process: its worker stops in time, and other workers take over', async () => {
  const finish = aSignal()
  const { bus, opened, started } = await aBus(handlerThat(() => finish.promise))
  await bus.publish(NoteTaken({ n: 1 }))
  const worker = await startedWorker(bus.worker({ shutdownGraceMs: 100 }))
  await started(1)

  await bus.close()
  finish.resolve()
  const startedAt = performance.now()
  await worker.stop()

  expect(performance.now() - startedAt).toBeLessThan(7_000)
  expect((await storedNotes(opened))[0]).toMatchObject({ state: 'active', used: 1 })
  await expect(bus.publish(NoteTaken({ n: 2 }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})

async function aBus(...handlers: readonly AnyHandler[]) {
  const opened = await openTestBus({ handlers })
  onTestFinished(() => opened.close())
  const started = (count: number) =>
    until(`${count} run`, async () => {
      const { rows } = await opened.database.query(`select from pgboss.job where state = 'active'`)
      return rows.length >= count
    })
  return { bus: opened.bus, opened, signalsNamed: opened.signalsNamed, started }
}

/** The worker is stopped when the test ends. */
async function startedWorker(worker: Worker): Promise<Worker> {
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return worker
}
