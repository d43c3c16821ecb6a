/** `bus.drain`: handles and counts due deliveries in this process, within a time limit. */
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

let opened: TestBus
let does: (n: number) => unknown = () => undefined

beforeAll(async () => {
  opened = await openTestBus({
    handlers: [
      handlerThat((n) => does(n), { name: 'notes.take', maxAttempts: 1 }),
      handlerThat(() => undefined, { name: 'notes.mail', queue: 'mail' }),
    ],
  })
  return () => opened.close()
})

beforeEach(() => emptyTables(opened.database))

test('handles due deliveries, also of events that handlers publish meanwhile, and returns the counts', async () => {
  does = async (n) => {
    if (n === 1) await opened.bus.publish(NoteTaken({ n: 2 }))
    if (n === 2) throw new Error('no')
  }
  await opened.bus.publish(NoteTaken({ n: 1, key: 'red' }))

  const first = await opened.bus.drain()
  const second = await opened.bus.drain()

  expect(first).toEqual({ done: 3, failed: 0, dead: 1, snoozed: 0, isTimeUp: false })
  expect(second).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0, isTimeUp: false })
})

test('begins nothing after its time limit: running deliveries end, and the rest stays for the next drain', async () => {
  does = () => delay(300)
  await opened.bus.publish(Array.from({ length: 10 }, (_, n) => NoteTaken({ n })))

  const first = await opened.bus.drain({ timeLimitMs: 500, queues: { events: 2 } })
  const second = await opened.bus.drain({ queues: { events: 10 } })

  expect(first).toMatchObject({ failed: 0, dead: 0, isTimeUp: true })
  expect(first.done).toBeGreaterThan(0)
  expect(first.done).toBeLessThan(10)
  expect(second).toMatchObject({ done: 10 - first.done, isTimeUp: false })
})

test('a delivery that exceeds the grace period is given back, and uses no attempt', async () => {
  const abort = Promise.withResolvers<void>()
  does = () => abort.promise
  await opened.bus.publish(NoteTaken({ n: 1 }))

  const counts = await opened.bus.drain({ timeLimitMs: 200, shutdownGraceMs: 100, queues: { events: 1 } })
  abort.resolve()
  does = () => undefined
  await delay(600)

  expect(counts).toMatchObject({ done: 0, isTimeUp: true })
  expect(await opened.bus.drain({ queues: { events: 1 } })).toMatchObject({ done: 1 })
})

test.for([[{ timeLimitMs: 0 }], [{ timeLimitMs: 1.5 }], [{ pollMs: 100 }], [{ queues: { none: 1 } }]])(
  '%o is refused',
  async ([options]) => {
    await expect(opened.bus.drain(options as object)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  },
)

test('a bus without a database refuses to drain', async () => {
  const memory = createBus({ backend: 'mailbox' })

  await expect(memory.drain()).rejects.toMatchObject({ code: 'POSTBUS_NO_DATABASE' })
})
