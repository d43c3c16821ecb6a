/** What `broadcast` and `listen` promise in every backend. Where handlers run, listeners hear. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createBus, type Bus, type BusOptions, type Envelope } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

type Kind = 'postgres' | 'inline' | 'mailbox'
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

describe.each<Kind>(['postgres', 'inline', 'mailbox'])('%s', (backend) => {
  test('what is not an event, or no transaction, is refused, and an empty list is nothing', async () => {
    const bus = busOn(backend)

    for (const [wrong, options, code] of [
      [NoteTaken, {}, 'POSTBUS_INVALID_EVENT'],
      [{ ...NoteTaken({ n: 1 }) }, {}, 'POSTBUS_INVALID_EVENT'],
      [NoteTaken({ n: 1, text: 'x'.repeat(20_000) }), {}, 'POSTBUS_TOO_LARGE'],
      [NoteTaken({ n: 1 }), { tx: {} }, 'POSTBUS_NOT_A_TRANSACTION'],
      [NoteTaken({ n: 1 }), { tx: undefined }, 'POSTBUS_NOT_A_TRANSACTION'],
    ] as const) {
      await expect(bus.broadcast(wrong as never, options as never)).rejects.toMatchObject({ code })
    }
    await expect(bus.broadcast([])).resolves.toBeUndefined()
  })

  test('a listener can be given and taken away; a bus that was closed has none and broadcasts no more', async () => {
    const bus = busOn(backend)
    const stop = await bus.listen(NoteTaken, () => undefined)
    await stop()
    await bus.close()

    await expect(bus.broadcast(NoteTaken({ n: 1 }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
    await expect(bus.listen('*', () => undefined)).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  })
})

describe.each<Kind>(['postgres', 'inline'])('%s', (backend) => {
  test('a listener hears the whole event as a copy, in order, until it stops', async () => {
    const heard: Envelope[] = []
    const bus = busOn(backend, { source: 'test' })
    const stop = await bus.listen('notes.*', (event) => heard.push(event))
    const events = [1, 2, 3].map((n) => NoteTaken({ n }, { metadata: { tenant: 'a' } }))

    await bus.broadcast(events.slice(0, 2))
    await until('two are heard', () => heard.length === 2)
    await stop()
    await bus.broadcast(events.slice(2))

    expect(heard).toEqual(events.slice(0, 2).map((event) => ({ ...event, source: 'test', correlationId: event.id })))
    expect(heard[0]?.data).not.toBe(events[0]?.data)
    expect(Object.isFrozen(heard[0])).toBe(true)
  })
})

function busOn(backend: Kind, options: BusOptions = {}): Bus {
  const { connectionString } = opened
  const bus = createBus({ backend, connectionString, maxPayloadBytes: 10_000, onSignal: () => undefined, ...options })
  onTestFinished(() => bus.close())
  return bus
}
