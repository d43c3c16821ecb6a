/** Listening to broadcasts on Postgres: one connection per bus, recovery after its loss, and faulty listeners and broadcasts. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createBus, defineHandler, shadow } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { aListener, cutOne, hearing, hears } from '../support/listening.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const note = (n: number) => NoteTaken({ n })
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus()
  return () => shop.close()
})

test('a listener that has lost its connection learns so when it hears broadcasts again', async () => {
  const listener = await aListener(shop)
  await shop.bus.broadcast(note(1))
  await hears(listener, 1)
  const before = new Date()

  await cutOne(shop)
  await until('it is told', () => listener.missed.length > 0)
  await shop.bus.broadcast(note(2))
  await hears(listener, 2)

  expect(listener.missed).toEqual([{ reason: 'disconnected', since: expect.any(Date) }])
  expect(listener.missed[0]!.since.getTime()).toBeLessThanOrEqual(before.getTime())
  expect(listener.signals.map(({ name }) => name)).toEqual(['broadcast.lost', 'broadcast.restored'])
})

test('a notification that is not a broadcast of ours is reported, and stops nothing', async () => {
  const listener = await aListener(shop)

  for (const text of ['{"id":1}', 'no json', '', '{"id":"x'.padEnd(7_000, 'x'), '77']) {
    await shop.database.query('select pg_notify($1, $2)', ['postbus_postbus.all', text])
  }
  await shop.bus.broadcast(note(1))
  await hears(listener, 1)

  expect(listener.missed.map(({ reason }) => reason)).toEqual(Array.from({ length: 5 }, () => 'unreadable'))
  expect(listener.signals.map(({ name }) => name)).toEqual(Array.from({ length: 5 }, () => 'broadcast.unreadable'))
})

test('a malformed broadcast is reported, also by a bus with renamed handlers', async () => {
  const renamed = defineHandler('notes.take', { on: NoteTaken, previousNames: ['notes.old'], handle: () => undefined })
  const listener = await aListener(shop, 'a', { handlers: [renamed] })
  const nothing = { partitionKey: null, correlationId: null, causationId: null, source: null, expiresAt: null }
  const whole = { ...nothing, id: crypto.randomUUID(), type: NoteTaken.type, version: 1, metadata: null, rest: null }
  const odd = [
    { rest: 'no json' },
    { metadata: 'no json' },
    { payload: 'no json' },
    { payload: '{"json":{"n":"x"},"meta":7}' },
  ]

  for (const field of odd) {
    const message = { ...whole, payload: '{"json":{"n":1}}', occurredAt: new Date(), ...field }
    await shop.database.query('select pg_notify($1, $2)', ['postbus_postbus.all', JSON.stringify(message)])
  }
  await shop.bus.broadcast(note(1))
  await hears(listener, 1)

  expect(listener.heard).toEqual([1])
  expect(listener.signals.map(({ name }) => name)).toEqual(odd.map(() => 'broadcast.unreadable'))
})

test('an error of a listener, at once or later, is a signal: other listeners hear the broadcast, and it hears the next one', async () => {
  const listener = await aListener(shop)
  const { bus, signals } = listener
  await bus.listen(NoteTaken, () => {
    throw new Error('now')
  })
  await bus.listen(NoteTaken, () => Promise.reject(new Error('later')))
  await bus.listen('*', () => undefined, { onMissed: () => Promise.reject(new Error('missed')) })

  await bus.broadcast([note(1), note(2)])
  await hears(listener, 2)
  await cutOne(shop)
  await until('all are signalled', () => signals.filter(({ name }) => name === 'listener.failed').length === 5)

  const failed = signals.filter(({ name }) => name === 'listener.failed').map(({ message }) => message)
  expect(failed.toSorted()).toEqual([
    'A listener threw: later',
    'A listener threw: later',
    'A listener threw: missed',
    'A listener threw: now',
    'A listener threw: now',
  ])
})

test('all listeners of a bus share one connection, which ends with the last listener and is made again for the next', async () => {
  const listener = await aListener(shop)
  const other = await listener.bus.listen('*', () => undefined)
  expect(await hearing(shop)).toBe(1)

  await Promise.all([listener.stop(), listener.stop()])
  expect(await hearing(shop)).toBe(1)
  await shop.bus.broadcast(note(1))
  await other()
  await until('the connection has ended', async () => (await hearing(shop)) === 0)

  const heard: number[] = []
  {
    await using _ = await listener.bus.listen(NoteTaken, ({ data }) => void heard.push(data.n))
    await shop.bus.broadcast(note(2))
    await hears({ heard }, 2)
  }
  await listener.bus.close()
  await until('nothing is left', async () => (await hearing(shop)) === 0)
  expect({ heard, stopped: listener.heard }).toEqual({ heard: [2], stopped: [] })
  await expect(listener.bus.listen('*', () => undefined)).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  await expect(listener.bus.broadcast(note(3))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})

test('listen is refused if LISTEN is impossible or the database unreachable, and can be called again', async () => {
  const { connectionString } = shop
  const without = createBus({ connectionString, listen: false, onSignal: () => undefined })
  const away = createBus({ connectionString: 'postgres://nobody@127.0.0.1:1/none', onSignal: () => undefined })
  onTestFinished(async () => void (await Promise.all([without.close(), away.close()])))

  await expect(without.listen('*', () => undefined)).rejects.toMatchObject({ code: 'POSTBUS_CANNOT_LISTEN' })
  for (const _ of [1, 2]) {
    await expect(away.listen('*', () => undefined)).rejects.toMatchObject({ code: 'POSTBUS_DATABASE_UNREACHABLE' })
  }
  await expect(without.broadcast(note(1))).resolves.toBeUndefined()
})

test.each<[string, readonly unknown[], string]>([
  ['undefined', [undefined, () => undefined], 'POSTBUS_INVALID_HANDLER'],
  ['an empty list', [[], () => undefined], 'POSTBUS_INVALID_HANDLER'],
  ['a shadow', [shadow(NoteTaken), () => undefined], 'POSTBUS_INVALID_OPTIONS'],
  ['no function', ['*'], 'POSTBUS_INVALID_OPTIONS'],
  ['an unknown option', ['*', () => undefined, { onLost: () => undefined }], 'POSTBUS_INVALID_OPTIONS'],
  ['an onMissed that is none', ['*', () => undefined, { onMissed: true }], 'POSTBUS_INVALID_OPTIONS'],
])('listen refuses %s', async (_, given, code) => {
  await expect(shop.bus.listen(...(given as Parameters<typeof shop.bus.listen>))).rejects.toMatchObject({ code })
  expect(await hearing(shop)).toBe(0)
})

test('five processes hear 10,000 broadcasts in order, and the one that was cut off learns of it', async () => {
  const listeners = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) listeners.push(await aListener(shop, name))
  const [cut, ...others] = listeners

  for (let first = 1; first <= 10_000; first += 500) {
    await shop.bus.broadcast(Array.from({ length: 500 }, (_, index) => note(first + index)))
    if (first === 5_001) await cutOne(shop)
  }
  for (const listener of others) await hears(listener, 10_000)
  await until('the one that was cut off is told', () => cut!.missed.length === 1)
  await shop.bus.broadcast(note(10_001))
  await hears(cut!, 10_001)

  const all = Array.from({ length: 10_000 }, (_, index) => index + 1)
  for (const { heard, missed } of others) {
    expect(heard.slice(0, 10_000)).toEqual(all)
    expect(missed).toEqual([])
  }
  expect(cut!.heard).toEqual(cut!.heard.toSorted((one, other) => one - other))
}, 60_000)
