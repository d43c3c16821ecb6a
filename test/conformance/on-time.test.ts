/** Later, by hand and by the calendar: what each backend does with it, or why it refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { awaitCompletion, createBus, defineEvent, defineHandler, defineSchedule, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'

const Noted = defineEvent('notes.noted', {
  schema: z.object({ key: z.string().nullable().default(null) }),
  partitionKey: (data) => data.key,
})
const Asked = defineEvent('notes.asked', { schema: z.object({}) })

const seen: string[] = []
const handlers = [
  defineHandler('notes.read', { on: Noted, handle: ({ id }) => void seen.push(id) }),
  defineHandler('notes.ask', { on: Asked, handle: () => awaitCompletion({ timeoutMs: 1_000 }) }),
]
const schedules = [defineSchedule('notes.nightly', { cron: '@daily', event: () => Noted({}) })]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers })
})

afterAll(() => opened.close())

describe.each(['postgres', 'inline', 'mailbox'] as const)('%s', (backend) => {
  let bus: Bus

  beforeAll(() => {
    bus = busOn(backend)
    return () => bus.close()
  })

  test('an event with a key cannot be delayed, and no event by more than a year', async () => {
    const later = bus.publish(Noted({ key: 'red' }), { delayMs: 1_000 })
    const muchLater = bus.publish(Asked({}), { delayMs: 366 * 86_400_000 })

    await expect(later).rejects.toMatchObject({ code: 'POSTBUS_DELAYED_KEY' })
    await expect(muchLater).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  })

  test('a delay that is over is none', async () => {
    const event = Noted({})

    const { events } = await bus.publish(event, { at: new Date(0) })

    expect(events).toEqual([{ id: event.id, deliveries: 1, duplicate: false }])
  })

  test('a tick is published by hand: once', async () => {
    const at = new Date('2026-11-30T00:00Z')

    const first = await bus.schedules.run('notes.nightly', { at })
    const again = await bus.schedules.run('notes.nightly', { at })

    expect([first, again]).toEqual([
      { id: first.id, deliveries: 1, duplicate: false },
      { id: first.id, deliveries: 0, duplicate: true },
    ])
    expect(await bus.schedules.list()).toMatchObject([{ name: 'notes.nightly', cron: '@daily', isRegistered: true }])
  })
})

test('inline has no later: what is published for later, or waits to be told, is refused', async () => {
  await using bus = busOn('inline')
  seen.length = 0

  await expect(bus.publish(Noted({}), { delayMs: 1_000 })).rejects.toMatchObject({ code: 'POSTBUS_INLINE_DELAYED' })
  await expect(bus.publish(Asked({}))).rejects.toMatchObject({ code: 'POSTBUS_INLINE_AWAITS' })

  expect(seen).toEqual([])
})

test.each(['inline', 'mailbox'] as const)('%s refuses what only a database can do', async (backend) => {
  await using bus = busOn(backend)
  const refused = { code: 'POSTBUS_NO_DATABASE', message: expect.stringContaining(`backend: 'postgres'`) }

  for (const asked of [
    bus.cancel('x'),
    bus.deliveries.complete('x'),
    bus.deliveries.skip('x'),
    bus.deliveries.fail('x', 'y'),
  ]) {
    await expect(asked).rejects.toMatchObject(refused)
  }
})

function busOn(backend: 'postgres' | 'inline' | 'mailbox'): Bus {
  const { connectionString } = opened
  return createBus({ backend, connectionString, handlers, schedules, onSignal: () => undefined })
}
