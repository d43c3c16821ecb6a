/** `publish(event, { delayMs | at })`: stored now, delivered later. */
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createBus, type Bus } from '../../src/index.ts'
import { advanceTime } from '../../src/testing/time/time.ts'
import type { TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { NoteTaken } from '../support/notes.ts'
import { AN_HOUR, connected, openLater, published, ran, tidyLater } from '../support/later.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let opened: TestBus
let bus: Bus

beforeAll(async () => {
  opened = await openLater()
  bus = opened.bus
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

afterEach(() => tidyLater())

test.each([
  ['delayMs', () => ({ delayMs: AN_HOUR })],
  ['at', () => ({ at: new Date(Date.now() + AN_HOUR) })],
])('an event that is published with %s waits for its time, shows it, and is then delivered', async (_, when) => {
  const id = await published(1, when())

  await drained(bus)
  const before = await bus.events.status(id)
  await advanceTime({ minutes: 61 }, { bus })
  await drained(bus)

  expect(before).toMatchObject({
    isFinished: false,
    deliveries: [
      { handler: 'notes.count', state: 'waiting', attempts: 0 },
      { handler: 'notes.take', state: 'waiting', attempts: 0 },
    ],
  })
  expect(Math.abs(Number(before?.deliveries[0]?.dueAt) - Date.now() - AN_HOUR)).toBeLessThan(60_000)
  expect(before?.event.dueAt).toEqual(before?.deliveries[0]?.dueAt)
  expect(ran).toEqual([1])
  expect(await bus.events.status(id)).toMatchObject({
    isFinished: true,
    deliveries: [{ attempts: 1 }, { attempts: 1 }],
  })
})

test('a list is delayed as a whole, with one round trip and no wake-up', async () => {
  const listener = await connected()
  await listener.query('listen postbus_postbus')
  const heard: string[] = []
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''))

  await bus.publish(
    [1, 2, 3].map((n) => NoteTaken({ n })),
    { delayMs: AN_HOUR },
  )
  await bus.publish(NoteTaken({ n: 4 }))
  await until('the publish that is due wakes', () => heard.length > 0)
  const woken = [...heard]
  await drained(bus)

  expect([ran, woken]).toEqual([[4], ['events']])
  await advanceTime({ hours: 2 }, { bus })
  await drained(bus)
  expect(ran.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4])
})

test('an event with a time in the past, or a delay of 0, is delivered at once', async () => {
  await bus.publish(NoteTaken({ n: 1 }), { at: new Date(Date.now() - 1_000) })
  await bus.publish(NoteTaken({ n: 2 }), { delayMs: 0 })

  const { rows } = await opened.database.query(`select distinct state from pgboss.job where state < 'completed'`)

  expect(rows).toEqual([{ state: 'created' }])
  await drained(bus)
  expect(ran).toEqual([1, 2])
})

test('a delivery that is not due has a state in which it costs claims nothing', async () => {
  await bus.publish(NoteTaken({ n: 1 }), { delayMs: AN_HOUR })

  const { rows } = await opened.database.query(
    `select distinct state, start_after > now() + interval '59 minutes' as waits from pgboss.job where state < 'completed'`,
  )

  expect(rows).toEqual([{ state: 'retry', waits: true }])
})

test('a schema without delays refuses them, instead of delivering at once', async () => {
  const { rows } = await opened.database.query<{ definition: string }>(
    `select pg_get_functiondef('postbus.publish(text)'::regprocedure) as definition`,
  )
  const [{ definition } = { definition: '' }] = rows
  await opened.database.query(definition.replace('not in (1, 2)', '<> 1'))
  onTestFinished(async () => void (await opened.database.query(definition)))

  await expect(bus.publish(NoteTaken({ n: 1 }), { delayMs: AN_HOUR })).rejects.toMatchObject({
    code: 'POSTBUS_SCHEMA_OUTDATED',
  })
})

test.each([
  [{ delayMs: -1 }],
  [{ delayMs: Number.NaN }],
  [{ delayMs: 366 * 86_400_000 }],
  [{ delayMs: '5' as never }],
  [{ at: new Date(Number.NaN) }],
  [{ at: new Date(Date.now() + 366 * 86_400_000) }],
  [{ at: '2027-01-01' as never }],
  [{ at: new Date(), delayMs: 5 }],
])('%o is refused before any SQL', async (when) => {
  await expect(bus.publish(NoteTaken({ n: 1 }), when)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })

  expect((await opened.database.query('select from postbus.event')).rowCount).toBe(0)
})

test('an event with a key cannot be delayed for an ordered handler, but can without receivers', async () => {
  const keyed = NoteTaken({ n: 1, key: 'red' })

  await expect(bus.publish([NoteTaken({ n: 2 }), keyed], { delayMs: 1 })).rejects.toMatchObject({
    code: 'POSTBUS_DELAYED_KEY',
    message: expect.stringContaining('notes.take'),
  })

  const unheard = createBus({ connectionString: opened.connectionString, onSignal: () => undefined })
  onTestFinished(() => unheard.close())
  await unheard.publish(keyed, { delayMs: 1 })
  expect((await opened.database.query('select from postbus.event')).rowCount).toBe(1)
})
