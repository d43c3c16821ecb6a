/** What hooks around publish and around handlers can rely on, in every backend. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBus, defineBatchHandler, defineHandler, skip, type Bus, type BusOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'

type Kind = 'postgres' | 'inline' | 'mailbox'
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
})
afterAll(() => opened.close())

describe.each<Kind>(['postgres', 'inline', 'mailbox'])('%s', (backend) => {
  test('what a hook adds to the metadata is what filters see, and publish resolves with what was stored', async () => {
    const asked: unknown[] = []
    const asking = defineHandler('notes.ask', {
      on: NoteTaken,
      interested: ({ metadata }) => asked.push(metadata) > 0,
      handle: () => undefined,
    })
    await using bus = busOn(backend, {
      handlers: [asking],
      middleware: [{ publish: async (_, next) => void (await next({ metadata: { tenant: 'acme' } })) }],
    })

    const { events } = await bus.publish(NoteTaken({ n: 1 }, { metadata: { color: 'red' } }))

    expect(events).toEqual([{ id: expect.any(String), deliveries: 1, duplicate: false }])
    expect(asked).toEqual([{ color: 'red', tenant: 'acme' }])
  })

  test('a hook that refuses a publish has stored nothing', async () => {
    let isOpen = false
    const event = NoteTaken({ n: 1 })
    await using bus = busOn(backend, {
      middleware: [{ publish: (_, next) => (isOpen ? next() : Promise.reject(new Error('closed'))) }],
    })

    await expect(bus.publish(event)).rejects.toThrow('closed')

    isOpen = true
    expect((await bus.publish(event)).events[0]?.duplicate).toBe(false)
  })
})

describe.each<Kind>(['postgres', 'inline'])('%s', (backend) => {
  test('a hook stands around each handler, and its outcome is that of the attempt', async () => {
    const order: string[] = []
    await using bus = busOn(backend, {
      handlers: [defineHandler('notes.hooked', { on: NoteTaken, handle: () => void order.push('handler') })],
      middleware: [
        {
          async handle({ event, handler, context }, next) {
            order.push(`${handler} ${context.attempt} ${JSON.stringify(event.metadata['tenant'])}`)
            if (event.metadata['tenant'] === 'closed') return skip('closed')
            await next()
            return order.push('after')
          },
        },
      ],
    })

    for (const tenant of ['open', 'closed']) await bus.publish(NoteTaken({ n: 1, key: 'a' }, { metadata: { tenant } }))
    if (backend === 'postgres') await bus.worker().drain()

    expect(order).toEqual(['notes.hooked 1 "open"', 'handler', 'after', 'notes.hooked 1 "closed"'])
  })

  test('a hook of its own stands around each batch: its outcome is that of the batch, and it may say one of an event', async () => {
    const order: string[] = []
    const storing = defineBatchHandler('notes.store', {
      on: NoteTaken,
      batchSize: 1,
      handle: () => void order.push('handler'),
    })
    await using bus = busOn(backend, {
      handlers: [storing],
      middleware: [
        { handle: () => void order.push('never') },
        {
          async handleBatch({ events: [event], handler, context }, next) {
            order.push(`${handler} ${JSON.stringify(event!.metadata['tenant'])} ${context.deliveryOf(event!).attempt}`)
            if (event!.metadata['tenant'] === 'closed') return skip('closed')
            await next()
            order.push('after')
            context.outcomes.set(event!, skip('seen'))
            return undefined
          },
        },
      ],
    })

    const events = ['open', 'closed'].map((tenant) => NoteTaken({ n: 1, key: 'a' }, { metadata: { tenant } }))
    for (const event of events) await bus.publish(event)
    if (backend === 'postgres') await bus.worker().drain()

    expect(order).toEqual(['notes.store "open" 1', 'handler', 'after', 'notes.store "closed" 1'])
    if (backend !== 'postgres') return
    for (const { id } of events)
      expect(await bus.events.status(id)).toMatchObject({ deliveries: [{ state: 'skipped' }] })
  })
})

function busOn(backend: Kind, options: BusOptions): Bus {
  const { connectionString } = opened
  return createBus({ backend, connectionString, onSignal: () => undefined, ...options })
}
