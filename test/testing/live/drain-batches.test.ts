/** Draining forms batches as a worker does, but does not wait for batches to fill up. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { Client } from 'pg'
import { failed } from '../../../src/index.ts'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { batched, notes, type DoingBatch } from '../../support/batches.ts'
import { anotherBus } from '../../support/notes.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test('a drain runs full batches, and the remaining events at once', async () => {
  const { handler, batches } = batched(undefined, { batchSize: 40, maxWaitMs: 60_000 })
  const bus = aBus(handler)
  await bus.publish(notes(100))

  const counts = await drainEvents({ bus, queues: { events: 1 } })

  expect(batches.map((batch) => batch.length)).toEqual([40, 40, 20])
  expect(counts).toEqual({ done: 100, failed: 0, dead: 0, snoozed: 0 })
})

test('retries run in a batch again, and last attempts run alone', async () => {
  const attempts: number[][] = []
  const never: DoingBatch = (events, { deliveryOf }) => {
    attempts.push(events.map((event) => deliveryOf(event).attempt))
    return failed('never')
  }
  const { handler } = batched(never, { batchSize: 10, maxWaitMs: 60_000, maxAttempts: 3 })
  const bus = aBus(handler)
  await bus.publish(notes(3))

  const counts = await drainEvents({ bus, withRetries: true })

  const [first, ...later] = attempts
  expect(first).toEqual([1, 1, 1])
  expect(later.filter((batch) => batch.includes(3))).toEqual([[3], [3], [3]])
  expect(later.flat().filter((attempt) => attempt === 2)).toHaveLength(3) // in one batch, if they are due at the same time
  expect(counts).toEqual({ done: 0, failed: 6, dead: 3, snoozed: 0 })
})

test('a drain inside a transaction also forms batches, and rolls back the writes of a failed one', async () => {
  await opened.database.query('create table stored (n integer)')
  let calls = 0
  const { handler, batches } = batched(
    async (events, { tx }) => {
      for (const { data } of events) await (tx as Client).query('insert into stored values ($1)', [data.n])
      return ++calls === 1 ? failed('once more') : undefined
    },
    { batchSize: 10, maxWaitMs: 60_000, backoff: () => 0 },
  )
  const bus = aBus(handler)
  const client = new Client(opened.connectionString)
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('begin')
  await bus.publish([...notes(3), ...notes(2, (n) => `key ${n}`)], { tx: client })

  const counts = await drainEvents({ bus, tx: client, withRetries: true })

  const { rows } = await client.query<{ n: number }>('select n from stored order by n')
  expect(rows.map(({ n }) => n)).toEqual(
    batches
      .slice(1)
      .flat()
      .toSorted((one, other) => one - other),
  )
  expect(rows).toHaveLength(5)
  expect(batches[0]!.length).toBeGreaterThan(1)
  expect(counts.done).toBe(5)
  await client.query('rollback')
})

function aBus(handler: Parameters<typeof anotherBus>[1][number]) {
  const bus = anotherBus(opened, [handler])
  onTestFinished(() => bus.close())
  return bus
}
