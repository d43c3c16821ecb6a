/** `return skip('reason')` ends a delivery as done, and records it as skipped. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { skip, type AnyHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, handlerThat, NoteTaken, storedNotes } from '../support/notes.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

test.each([
  ['without a key', null],
  ['in a lane', 'red'],
])('a delivery skipped %s is done, with the reason in its history', async (_, key) => {
  const runs: number[] = []
  const bus = aBus([
    handlerThat((n, { attempt }) => {
      runs.push(n)
      if (n === 2 && attempt === 1) throw new Error('not yet')
      return n === 3 ? undefined : skip(`n is ${n}`)
    }),
  ])
  const { events } = await bus.publish([1, 2, 3].map((n) => NoteTaken({ n, key })))

  const counts = await bus.worker().drain()
  await new Promise((resolve) => setTimeout(resolve, 50)) // the backoff
  const later = await bus.worker().drain()

  expect(runs).toEqual(key === null ? [1, 2, 3, 2] : [1, 2, 2, 3])
  expect(counts.done + later.done).toBe(3)
  expect(await histories(events.map(({ id }) => id))).toEqual([
    { state: 'skipped', attempts: 1, reason: 'n is 1', errors: 0 },
    { state: 'skipped', attempts: 2, reason: 'n is 2', errors: 1 },
    { state: 'done', attempts: 1, reason: null, errors: 0 },
  ])
  expect((await storedNotes(opened)).filter(({ state }) => state !== 'completed')).toEqual([])
})

test('a reason with characters that Postgres cannot store is stored in a changed form', async () => {
  const bus = aBus([handlerThat(() => skip('a\u0000b\ud800'))])
  const { events } = await bus.publish(NoteTaken({ n: 1 }))

  await bus.worker().drain()

  expect(await histories(events.map(({ id }) => id))).toMatchObject([{ state: 'skipped', reason: 'a\\0b�' }])
})

function aBus(handlers: AnyHandler[]) {
  const bus = anotherBus(opened, handlers)
  onTestFinished(() => bus.close())
  return bus
}

async function histories(ids: readonly string[]) {
  const { rows } = await opened.database.query(
    `select delivery.state, delivery.attempts, done.detail ->> 'reason' as reason, jsonb_array_length(delivery.errors) as errors
    from postbus.deliveries() delivery join postbus.history done on done.seq = delivery.seq
    where delivery.event_id = any($1) order by delivery.seq`,
    [ids],
  )
  return rows
}
