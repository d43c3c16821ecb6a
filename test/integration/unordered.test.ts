/** `ordered: false`, and the options of a handler that look at its errors: `isRetryable`, and a `backoff` that gets the error. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { failed, type AnyHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({}, { ownServer: true })
  return () => opened.close()
})

test('a handler without order gets the next event of a key while an earlier one waits for a retry', async () => {
  const runs: number[] = []
  const bus = aBus([
    handlerThat(
      (n) => {
        runs.push(n)
        return n === 1 ? failed('not now') : undefined
      },
      { ordered: false, backoff: { initialMs: 60_000 } },
    ),
  ])
  const [first] = (await bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key: 'red' })))).events

  await bus.worker().drain()

  expect(runs).toEqual([1, 2, 3])
  expect(await bus.explain(NoteTaken({ n: 1, key: 'red' }))).toMatchObject([{ queue: 'events', lane: null }])
  expect((await bus.events.status(first!.id))?.deliveries).toMatchObject([{ state: 'retrying' }])
  expect((await bus.lanes.list()).lanes).toEqual([])
})

test('its replayed and backfilled events have no lane either', async () => {
  const log = aBus([])
  await log.publish([1, 2].map((n) => NoteTaken({ n, key: 'blue' })))
  const runs: number[] = []
  const backfilled = handlerThat((n) => void runs.push(n), {
    name: 'notes.later',
    ordered: false,
    backfill: { since: new Date(0), followMs: 0 },
  })
  const bus = aBus([backfilled])
  await bus.worker().drain()

  const replay = await bus.replay({ handler: 'notes.later', partitionKeys: ['blue'] })
  await replay.done
  const { rows } = await opened.database.query(
    `select distinct name, singleton_key from pgboss.job where data ->> 'handler' = 'notes.later'`,
  )

  expect(runs).toEqual(expect.arrayContaining([1, 2]))
  expect(rows).toEqual([{ name: 'events', singleton_key: null }])
})

test('an event with a key can be published for later, unless another handler keeps its order', async () => {
  const loose = handlerThat(() => undefined, { name: 'notes.loose', ordered: false })
  const strict = handlerThat(() => undefined, { name: 'notes.strict' })
  const later = (...handlers: AnyHandler[]) =>
    aBus(handlers).publish(NoteTaken({ n: 1, key: 'red' }), { delayMs: 3_600_000 })

  const { events } = await later(loose)

  expect((await aBus([loose]).events.status(events[0]!.id))?.deliveries).toMatchObject([{ state: 'waiting' }])
  await expect(later(loose, strict)).rejects.toMatchObject({ code: 'POSTBUS_DELAYED_KEY' })
})

test('it has no lane to rewind', async () => {
  const bus = aBus([handlerThat(() => undefined, { name: 'notes.loose', ordered: false })])
  const [event] = (await bus.publish([NoteTaken({ n: 1, key: 'red' })])).events

  const rewinding = bus.lanes.rewind({ handler: 'notes.loose', partitionKey: 'red', from: event!.id })

  await expect(rewinding).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('an error that is not retryable ends the attempts, and an isRetryable that throws loses nothing', async () => {
  const bus = aBus([
    handlerThat(() => failed(new TypeError('wrong for good')), {
      name: 'notes.picky',
      isRetryable: (error) => !(error instanceof TypeError),
    }),
    handlerThat(() => failed('again'), {
      name: 'notes.faulty',
      isRetryable: () => {
        throw new Error('a slip')
      },
      backoff: { initialMs: 60_000 },
    }),
  ])
  const { events } = await bus.publish(NoteTaken({ n: 1 }))

  await bus.worker().drain()

  const { deliveries } = (await bus.events.status(events[0]!.id))!
  expect(Object.fromEntries(deliveries.map(({ handler, state, attempts }) => [handler, [state, attempts]]))).toEqual({
    'notes.faulty': ['retrying', 1],
    'notes.picky': ['dead', 1],
  })
})

test('a backoff gets the error', async () => {
  const asked: unknown[] = []
  const bus = aBus([
    handlerThat(() => failed('busy', { cause: { retryAfterMs: 90_000 } }), {
      name: 'notes.patient',
      backoff: (attempt, error) => {
        asked.push(attempt)
        return (error as { cause: { retryAfterMs: number } }).cause.retryAfterMs
      },
    }),
  ])
  const { events } = await bus.publish(NoteTaken({ n: 1 }))

  await bus.worker().drain()

  const [delivery] = (await bus.events.status(events[0]!.id))!.deliveries
  expect(asked).toEqual([1])
  expect(delivery!.dueAt!.getTime() - Date.now()).toBeGreaterThan(80_000)
})

function aBus(handlers: AnyHandler[]) {
  const bus = anotherBus(opened, handlers)
  onTestFinished(() => bus.close())
  return bus
}
