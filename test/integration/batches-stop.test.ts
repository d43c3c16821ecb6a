/** Batches when a worker stops, and when claims are lost: deliveries that wait go back at once, and running ones get the grace period. */
import { expect, test } from 'vitest'
import { batched, notes, withHandlers, working } from '../support/batches.ts'
import { aSignal, storedNotes } from '../support/notes.ts'
import { until } from '../support/until.ts'

const LONG = { maxWaitMs: 60_000 }

test.concurrent.for([
  ['without keys', () => null],
  ['with keys', (n: number) => `key ${n % 2}`],
] as const)(
  '%s: deliveries that wait for their batch are given back at once, and use no attempt',
  async ([, keyOf], around) => {
    const { handler, batches } = batched(undefined, LONG)
    const opened = await withHandlers(around, handler)
    const worker = await working(around, opened, { shutdownGraceMs: 30_000 })
    await opened.bus.publish(notes(6, keyOf))
    await until('they are claimed', async () => (await statesOf(opened)).some((state) => state.startsWith('active')))

    const before = performance.now()
    await worker.stop()

    expect(performance.now() - before).toBeLessThan(5_000)
    expect(batches).toEqual([])
    expect(new Set(await statesOf(opened))).toEqual(new Set(keyOf(1) ? ['retry 0', 'created 0'] : ['retry 0']))
    expect(worker.counts()).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0 })
  },
)

test.concurrent.for([
  ['without keys', () => null],
  ['with keys', (n: number) => `key ${n % 2}`],
] as const)('%s: a stop waits for a running batch and its settle', async ([, keyOf], around) => {
  const finish = aSignal()
  const { handler, batches } = batched(() => finish.promise, { ...LONG, batchSize: 6 })
  const opened = await withHandlers(around, handler)
  const worker = await working(around, opened)
  await opened.bus.publish(notes(6, keyOf))
  await until('the batch runs', () => batches.length === 1)

  const stopped = worker.stop()
  finish.resolve()
  await stopped

  expect(new Set(await statesOf(opened))).toEqual(new Set(['completed 1']))
})

test.concurrent.for([
  ['without keys', () => null],
  ['with keys', (n: number) => `key ${n % 2}`],
] as const)(
  '%s: a batch that takes longer than the grace period is given back, and uses no attempt',
  async ([, keyOf], around) => {
    const told = aSignal<unknown>()
    const { handler, batches } = batched(
      (_, { signal }) => {
        signal.addEventListener('abort', () => told.resolve(signal.reason))
        return new Promise(() => undefined)
      },
      { ...LONG, batchSize: 6 },
    )
    const opened = await withHandlers(around, handler)
    const worker = await working(around, opened, { shutdownGraceMs: 50 })
    await opened.bus.publish(notes(6, keyOf))
    await until('the batch runs', () => batches.length === 1)

    await worker.stop()

    expect(await told.promise).toMatchObject({ code: 'POSTBUS_CLOSED' })
    expect(new Set(await statesOf(opened))).toEqual(new Set(keyOf(1) ? ['retry 0', 'created 0'] : ['retry 0']))
  },
)

test.concurrent(
  'a member whose claim was lost during the batch does not count, and the others are settled',
  async (around) => {
    const finish = aSignal()
    const { handler, batches } = batched(() => finish.promise, { ...LONG, batchSize: 3 })
    const opened = await withHandlers(around, handler)
    await working(around, opened)
    const events = notes(3)
    await opened.bus.publish(events)
    await until('the batch runs', () => batches.length === 1)

    const asClaimedByAnother = `update pgboss.job set retry_count = retry_count + 1, heartbeat_on = now() + interval '1 minute'
    where data ->> 'event' = $1`
    await opened.database.query(asClaimedByAnother, [events[1]!.id])
    finish.resolve()
    await until(
      'the others are settled',
      async () => (await statesOf(opened)).filter((one) => one === 'completed 1').length === 2,
    )

    expect((await statesOf(opened)).filter((state) => state.startsWith('active'))).toHaveLength(1)
  },
)

test.concurrent('a member whose claim was lost before its batch began is not in it', async (around) => {
  const { handler, batches } = batched(undefined, { maxWaitMs: 5_000, batchSize: 3 })
  const opened = await withHandlers(around, handler)
  await working(around, opened, { pollMs: 60_000 })
  const events = notes(2)
  await opened.bus.publish(events)
  await until('both are claimed', async () => (await statesOf(opened)).every((state) => state.startsWith('active')))

  const asClaimedByAnother = `update pgboss.job set retry_count = retry_count + 1, heartbeat_on = now() + interval '1 minute'
    where data ->> 'event' = $1`
  await opened.database.query(asClaimedByAnother, [events[0]!.id])
  await until('the batch has run', () => batches.length === 1)

  expect(batches).toEqual([[2]])
})

async function statesOf(opened: Parameters<typeof storedNotes>[0]): Promise<readonly string[]> {
  return (await storedNotes(opened)).map(({ state, used }) => `${state} ${used}`)
}
