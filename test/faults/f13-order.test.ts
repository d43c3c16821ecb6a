/** F13: a lane does not step back when the server crashes: its claims and settles are on the disk before any process acts on them. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import { defineHandler, type AnyHandler } from '../../src/index.ts'
import { aForgetfulServer } from '../support/forgetful-server.ts'
import { anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'
import { outOfOrder, overtaken, type PublishedTurn } from '../support/order-checks.ts'
import { needlessRepeats, overlaps } from '../support/trace-checks.ts'
import type { TraceEntry } from '../support/trace.ts'
import { until } from '../support/until.ts'
import { EVERY_DELIVERY } from '../support/every-delivery.ts'

const QUEUE = 'events_partitioned'
const KEYS = 12
const TURNS = 20

test.concurrent(
  'in a partitioned queue a crash undoes no claim and no settle',
  async (around) => {
    const { bus, database, store, claim, forget, crash } = await aForgetfulServer(around, [
      handlerThat(() => undefined),
    ])
    await bus.publish([1, 2].map((n) => NoteTaken({ n, key: 'red' })))

    const [first] = (await claim(2, QUEUE)) as [ClaimedDelivery]
    const isForgotten = await forget()
    await crash()
    expect(await isForgotten()).toBe(true)
    const settled = await store.settle(QUEUE, [{ delivery: first, is: 'done', takeNext: true }])
    const next = settled.next.get(first.id)
    await crash()

    const { rows } = await database.query(`select id, state from ${EVERY_DELIVERY} job order by id`)
    expect(rows).toEqual([
      { id: first.id, state: 'completed' },
      { id: next?.id, state: 'active' },
    ])
  },
  120_000,
)

test.concurrent(
  'across a crash each key keeps its order, nothing of a key overlaps, and what was done is not done again',
  async (around) => {
    const trace: TraceEntry[] = []
    const { bus, database, crash, connectionString } = await aForgetfulServer(around, [tracing(trace, 0)])
    const published = await publishTurns((notes) => bus.publish(notes))
    const buses = [1, 2].map((pid) => anotherBus({ connectionString }, [tracing(trace, pid)]))
    const workers = buses.map((one) => one.worker({ queues: { events_partitioned: 8 } }))
    around.onTestFinished(async () => void (await Promise.all(buses.map((one) => one.close()))))

    await Promise.all(workers.map((worker) => worker.start()))
    const ends = () => trace.filter(({ step }) => step === 'end').length
    await until('a third is done', () => ends() > (KEYS * TURNS) / 3)
    await crash()
    const isOver = async () => (await database.query(`select from pgboss.job where state < 'completed'`)).rowCount === 0
    await until('all is done', isOver, 40_000)
    await Promise.all(workers.map((worker) => worker.stop()))

    expect(ends()).toBe(KEYS * TURNS)
    expect([
      ...outOfOrder(published, trace),
      ...overtaken(published, trace),
      ...overlaps(trace),
      ...needlessRepeats(trace),
    ]).toEqual([])
  },
  90_000,
)

async function publishTurns(publish: (notes: ReturnType<typeof NoteTaken>[]) => Promise<unknown>) {
  const published: PublishedTurn[] = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    const notes = Array.from({ length: KEYS }, (_, key) => NoteTaken({ n: turn, key: `key ${key}` }))
    await publish(notes)
    published.push(...notes.map(({ id, data }) => ({ eventId: id, key: data.key ?? '', turn })))
  }
  return published
}

function tracing(trace: TraceEntry[], pid: number): AnyHandler {
  return defineHandler('notes.trace', {
    on: NoteTaken,
    async handle({ id, partitionKey }, { attempt }) {
      const note = (step: TraceEntry['step']) =>
        trace.push({
          handler: 'notes.trace',
          eventId: id,
          key: partitionKey,
          attempt,
          pid,
          step,
          reason: null,
          at: trace.length,
        })
      note('start')
      await delay(15) // the work
      note('end')
    },
  })
}
