/** Commits of transactional handlers that fail, conflict, come too late, or lose their reply. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus, type BusOptions } from '../../src/index.ts'
import type { TestBus } from '../support/bus.ts'
import {
  autocommitting,
  busWith,
  effects,
  emptyEffects,
  handlerThat,
  left,
  openEffects,
  options,
} from '../support/effects.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openEffects()
  return () => opened.close()
})

beforeEach(() => emptyEffects())

test('serialization failures are run again a few times without using an attempt, and then count', async () => {
  let failures = 0
  await using bus = busWith(async (n, _context, tx) => {
    if (failures++ < n) await tx.query(`do $$ begin raise exception using errcode = '40001'; end $$`)
  })
  await bus.publish(NoteTaken({ n: 3 }))
  expect(await bus.worker().drain()).toMatchObject({ done: 1, failed: 0 })

  failures = 0
  await bus.publish(NoteTaken({ n: 4 }))
  expect(await bus.worker().drain()).toMatchObject({ done: 0, failed: 1 })
  expect([await effects(), failures]).toEqual([['3/1'], 4])
})

test('a failed commit leaves nothing and counts as a failed attempt', async () => {
  await opened.database.query(`create table parent (n integer primary key);
    create table child (n integer references parent deferrable initially deferred)`)
  await using bus = busWith((n, _context, tx) => tx.query('insert into child values ($1)', [n]))
  await bus.publish(NoteTaken({ n: 1 }))

  expect(await bus.worker().drain()).toMatchObject({ done: 0, failed: 1 })
  expect([await effects(), (await left()).completions]).toEqual([[], 0])
})

test('if the reply to a commit is lost, the worker looks it up, and the delivery is done', async () => {
  await using bus = busWith(() => undefined, {}, { afterCommit: () => Promise.reject(new Error('connection lost')) })
  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'a' }), NoteTaken({ n: 3, key: 'a' })])

  expect(await bus.worker().drain()).toMatchObject({ done: 3, failed: 0 })
  expect([await effects(), await left()]).toEqual([['1/1', '2/1', '3/1'], { deliveries: 0, completions: 0 }])
})

test('a handler that times out commits nothing, and its late writes have no effect', async () => {
  const late = Promise.withResolvers<void>()
  await using bus = busWith(
    async (n, { signal, attempt }, tx) => {
      if (attempt > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await tx.query('insert into effect values ($1, 99)', [n])
      late.resolve()
    },
    { timeoutMs: 50, backoff: { initialMs: 1, factor: 1, jitter: 0 } },
  )
  await bus.publish(NoteTaken({ n: 1 }))

  const worker = bus.worker({ pollMs: 50 })
  await worker.start()
  await late.promise
  await until('the next attempt is done', async () => (await left()).deliveries === 0)
  await worker.stop()

  expect(await effects()).toEqual(['1/2'])
})

test.each<[string, BusOptions['transaction'], string]>([
  ['does not run its work', async () => undefined, 'POSTBUS_TRANSACTION_NOT_RUN'],
  ['begins no transaction', async (work) => work(autocommitting()), 'POSTBUS_TRANSACTION_FINISHED'],
])('a `transaction` that %s is detected', async (_, transaction, code) => {
  await using bus = createBus({ ...options(), handlers: [handlerThat(() => undefined)], transaction })
  const event = NoteTaken({ n: 1 })
  await bus.publish(event)

  expect(await bus.worker().drain()).toMatchObject({ done: 0, failed: 1 })
  expect(await bus.events.status(event.id)).toMatchObject({ deliveries: [{ errors: [{ code }] }] })
})

test('a worker of a bus without `transaction` does not start, and the error says how to define one', async () => {
  await using bus = createBus({ ...options(), handlers: [handlerThat(() => undefined)] })

  await expect(bus.worker().start()).rejects.toMatchObject({
    code: 'POSTBUS_TRANSACTION_REQUIRED',
    message: expect.stringContaining('createBus({ transaction:'),
  })
})

test('a replay of a done delivery runs it once more', async () => {
  await using bus = busWith(() => undefined)
  const event = NoteTaken({ n: 1, key: 'a' })
  await bus.publish(event)
  await bus.worker().drain()

  await bus.lanes.rewind({ handler: 'notes.take', partitionKey: 'a', from: event.id }, { by: 'test', reason: 'again' })
  expect(await bus.worker().drain()).toMatchObject({ done: 1 })

  expect(await effects()).toEqual(['1/1', '1/1'])
})
