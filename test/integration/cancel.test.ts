/** `bus.cancel`: an event that is published for later can be taken back until it is due. */
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, type Bus } from '../../src/index.ts'
import { advanceTime } from '../../src/testing/time/time.ts'
import type { TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat } from '../support/notes.ts'
import { AN_HOUR, connected, openLater, published, ran, tidyLater } from '../support/later.ts'
import { emptyTables } from '../support/stored.ts'

let opened: TestBus
let bus: Bus

beforeAll(async () => {
  opened = await openLater()
  bus = opened.bus
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

afterEach(() => tidyLater())

test('a cancelled event reaches no handler: its deliveries are recorded as cancelled, and the act with who and why', async () => {
  const id = await published(1, { delayMs: AN_HOUR })

  const report = await bus.cancel(id, { by: 'ada', reason: 'paid meanwhile' })
  const again = await bus.cancel(id)
  await advanceTime({ hours: 2 }, { bus })
  await drained(bus)

  expect([report, again]).toEqual([
    { isCancelled: true, count: 2 },
    { isCancelled: true, count: 0 },
  ])
  expect(ran).toEqual([])
  const reason = 'cancelled by ada: paid meanwhile'
  expect(await bus.events.status(id)).toMatchObject({
    isFinished: true,
    deliveries: [
      { handler: 'notes.count', state: 'cancelled', attempts: 0, reason },
      { handler: 'notes.take', state: 'cancelled', attempts: 0, reason },
    ],
  })
  const { acts } = await bus.acts.list({ act: 'cancel' })
  expect(acts).toMatchObject([{ by: 'ada', reason: 'paid meanwhile', count: 2, filter: { event: id } }])
})

test('a wait for the end of an event ends when the event is cancelled', async () => {
  const id = await published(1, { delayMs: AN_HOUR })
  const finished = bus.events.whenFinished(id, { timeoutMs: 10_000 })

  await bus.cancel(id)

  expect((await finished).deliveries.map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
})

test('a cancel that comes too late says so, and changes nothing', async () => {
  const id = await published(1, { delayMs: AN_HOUR })
  await advanceTime({ hours: 2 }, { bus })

  expect(await bus.cancel(id)).toEqual({ isCancelled: false, count: 0 })

  await drained(bus)
  expect(ran).toEqual([1])
  expect((await bus.acts.list({ act: 'cancel' })).acts).toEqual([])
})

test.each([
  ['one that is not stored', async () => '01990000-0000-7000-8000-000000000000', 'POSTBUS_NO_SUCH_EVENT'],
  ['no id at all', async () => 'x', 'POSTBUS_NO_SUCH_EVENT'],
  ['one that was due at once', () => published(1), 'POSTBUS_NOT_DELAYED'],
])('cancelling %s is refused', async (_, id, code) => {
  await expect(bus.cancel(await id())).rejects.toMatchObject({ code })
})

test('a cancel belongs to the given transaction', async () => {
  const [kept, gone] = [await published(1, { delayMs: AN_HOUR }), await published(2, { delayMs: AN_HOUR })]
  const tx = await connected()
  await tx.query('begin')
  await bus.cancel(kept, { tx })
  await tx.query('rollback')
  await tx.query('begin')
  await bus.cancel(gone, { tx })
  await tx.query('commit')

  await advanceTime({ hours: 2 }, { bus })
  await drained(bus)

  expect(ran).toEqual([1])
  await expect(bus.cancel(kept, { tx: undefined as never })).rejects.toMatchObject({
    code: 'POSTBUS_NOT_A_TRANSACTION',
  })
})

test('no worker takes an event that becomes due while a transaction that cancels it is open', async () => {
  const id = await published(1, { delayMs: AN_HOUR })
  const tx = await connected()
  await tx.query('begin')
  await bus.cancel(id, { tx })

  await advanceTime({ hours: 2 }, { bus })
  await drained(bus)
  await tx.query('commit')
  await drained(bus)

  expect(ran).toEqual([])
})

test('a delivery that is written after the cancel is cancelled in its attempt, so a replay reaches no handler', async () => {
  const id = await published(1, { delayMs: AN_HOUR })
  await bus.cancel(id)

  await (
    await bus.replay({ handler: 'notes.take', types: ['notes.*'] })
  ).done
  await drained(bus)

  expect(ran).toEqual([])
})

test('a cancel also cancels the finisher of the event', async () => {
  const Ended = defineEvent('imports.ended', { schema: z.object({}) })
  const Begun = defineEvent('imports.begun', { schema: z.object({}), finishedEvent: () => Ended({}) })
  const other = createBus({
    connectionString: opened.connectionString,
    handlers: [handlerThat(() => undefined, { name: 'notes.any' })],
    events: [Begun, Ended],
    onSignal: () => undefined,
  })
  onTestFinished(() => other.close())
  await other.migrate()
  const { events } = await other.publish(Begun({}), { delayMs: AN_HOUR })

  await other.cancel(events[0]?.id ?? '')
  await advanceTime({ hours: 2 }, { bus })
  await drained(other)

  expect((await opened.database.query(`select from postbus.event where type = 'imports.ended'`)).rowCount).toBe(0)
})
