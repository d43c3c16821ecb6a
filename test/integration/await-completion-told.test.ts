/** Completing a waiting delivery twice, too late, too early, in a transaction, and by many callers at once. */
import { Client } from 'pg'
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Bus } from '../../src/index.ts'
import { advanceTime } from '../../src/testing/time/time.ts'
import { handlerDoes, idOf, openAwaiting, published, ran, tidyAwaiting } from '../support/awaiting.ts'
import type { TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables } from '../support/stored.ts'

let opened: TestBus
let bus: Bus

beforeAll(async () => {
  opened = await openAwaiting()
  bus = opened.bus
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

afterEach(() => tidyAwaiting())

test('a second or late completion changes nothing, and reports the state of the delivery', async () => {
  await published(1)
  await published(2)
  await drained(bus)
  await bus.deliveries.complete(idOf(1))
  await bus.deliveries.fail(idOf(2), 'declined')

  const twice = await bus.deliveries.complete(idOf(1))
  const failedBefore = await bus.deliveries.complete(idOf(2))
  await drained(bus)
  const tooLate = await bus.deliveries.complete(idOf(2))

  expect([twice, failedBefore, tooLate]).toEqual([
    { isApplied: false, state: 'done' },
    { isApplied: false, state: 'waiting' },
    { isApplied: false, state: 'retrying' },
  ])
})

test.each(['complete', 'skip'] as const)(
  'a delivery that gets %s before its handler returns awaitCompletion keeps it',
  async (what) => {
    handlerDoes(async (_, deliveryId) => {
      expect(await bus.deliveries[what](deliveryId)).toEqual({ isApplied: true, state: 'running' })
      expect(await bus.deliveries.complete(deliveryId)).toEqual({ isApplied: false, state: 'running' })
    })
    const eventId = await published(1, 'red')

    await drained(bus)

    expect(ran).toEqual([[1, 1]])
    const state = what === 'skip' ? 'skipped' : 'done'
    expect(await bus.events.status(eventId)).toMatchObject({ isFinished: true, deliveries: [{ state, attempts: 1 }] })
  },
)

test('a completion survives a later failure of the handler that began the wait', async () => {
  handlerDoes(async (_, deliveryId) => {
    if (ran.length > 1) return
    await bus.deliveries.complete(deliveryId)
    throw new Error('after the call')
  })
  const eventId = await published(1)

  await drained(bus)
  await advanceTime({ minutes: 2 }, { bus })
  await drained(bus)

  expect((await bus.events.status(eventId))?.deliveries).toMatchObject([{ state: 'done', attempts: 2 }])
})

test('a completion in a transaction counts at the commit, and until then nothing behind it runs', async () => {
  await published(1, 'red')
  await published(2, 'red')
  handlerDoes((n) => (n === 1 ? undefined : 'done'))
  await drained(bus)
  const tx = new Client({ connectionString: opened.connectionString })
  await tx.connect()
  onTestFinished(() => tx.end())

  await tx.query('begin')
  await bus.deliveries.complete(idOf(1), { tx })
  await drained(bus)
  await tx.query('rollback')
  const stillOpen = await bus.lanes.show({ handler: 'notes.take', partitionKey: 'red' })
  await tx.query('begin')
  await bus.deliveries.complete(idOf(1), { tx })
  await drained(bus)
  const before = ran.length
  await tx.query('commit')
  await drained(bus)

  expect([stillOpen?.state, before]).toEqual(['awaiting', 1])
  expect(ran.map(([n]) => n)).toEqual([1, 2])
})

test('of ten completions at once, one counts', async () => {
  await published(1)
  await drained(bus)

  const reports = await Promise.all(Array.from({ length: 10 }, () => bus.deliveries.complete(idOf(1))))

  expect(reports.filter(({ isApplied }) => isApplied)).toHaveLength(1)
})
