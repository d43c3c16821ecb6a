/** An operator forgets a handler that read the log: it then holds back nothing, and may come back. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { HandlerOptions } from '../../src/index.ts'
import { openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('a forgotten handler holds back nothing', async () => {
  const bus = await readingBus()

  expect(await bus.log.forget({ handler: 'notes.take' })).toEqual({ count: 4 })

  expect(await bus.log.list()).toEqual([])
  await expect(bus.log.forget({ handler: 'notes.take' })).rejects.toMatchObject({ code: 'POSTBUS_UNKNOWN_HANDLER' })
})

test('a handler with a running worker cannot be forgotten: it would start again at the end of the log, and lose unread events', async () => {
  const bus = await readingBus()
  await using worker = bus.worker()
  await worker.start()

  const refused = await bus.log.forget({ handler: 'notes.take' }).catch((error: unknown) => error)
  await worker.stop()

  expect(refused).toMatchObject({ code: 'POSTBUS_HANDLER_IN_USE' })
  expect(await bus.log.list()).toHaveLength(1)
  expect(await bus.log.forget({ handler: 'notes.take' })).toEqual({ count: 4 })
})

test('a forgotten handler may come back, and begins at the end of the log', async () => {
  const bus = await readingBus({ maxAttempts: 1 }, (n) => {
    if (n === 1) throw new Error('no')
  })
  await using worker = bus.worker()
  await worker.start()
  await stored.publish(bus, [1])
  await until('it has a dead letter', async () => (await bus.deadLetters.count()) === 1)
  await worker.stop()
  await bus.log.forget({ handler: 'notes.take' })
  await stored.publish(bus, [2])

  const again = await readingBus({ shards: 8 })
  await stored.publish(again, [3])
  await using next = again.worker()
  await next.start()
  await until('it reads', () => stored.ran.length === 2)

  expect(stored.took()).toEqual([1, 3])
})

async function readingBus(options: HandlerOptions = {}, does?: (n: number) => unknown) {
  const bus = stored.busWith([stored.noting('notes.take', { delivery: 'log', shards: 4, ...options }, does)])
  await bus.migrate()
  return bus
}
