import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createCodec } from '../../../src/codec/codec.ts'
import type { Envelope } from '../../../src/events/envelope.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler, type AnyHandler } from '../../../src/handlers/handler.ts'
import { traced } from '../../../src/publishing/trace.ts'
import { FilteredCounts } from '../../../src/publishing/filtered-counts.ts'
import { planEvents } from '../../../src/publishing/plan.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { emitTo, type BusSignal } from '../../../src/signals.ts'
import { refusalOf } from '../refusal.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ total: z.number() }) })
const OrderCreated2 = defineEvent('orders.order-created', { schema: z.object({}), version: 2 })
const codec = createCodec()

describe('a plan', () => {
  test('has an entry per event, in order, with its data encoded', () => {
    const { planned } = planOf([OrderCreated({ total: 1 }), OrderCreated({ total: 2 })], [handler('mail.receipt')])

    expect(planned.map(({ payload }) => codec.decode(payload))).toEqual([{ total: 1 }, { total: 2 }])
  })

  test('names the subscribed and interested handlers, in the order of registration', () => {
    const event = OrderCreated({ total: 5 })
    const handlers = [
      handler('mail.receipt'),
      handler('finances.large', ({ data }) => (data as { total: number }).total > 5),
      handler('finances.small', ({ data }) => (data as { total: number }).total <= 5),
    ]

    const { planned } = planOf([event], handlers)

    expect(planned[0]?.handlers.map(({ name }) => name)).toEqual(['mail.receipt', 'finances.small'])
  })

  test('counts the deliveries that filters prevented, by handler', () => {
    const never = () => false
    const handlers = [
      handler('mail.receipt'),
      handler('mail.never', never),
      handler('mail.second', ({ data }) => (data as { total: number }).total > 1),
    ]

    const { filtered } = planOf([OrderCreated({ total: 1 }), OrderCreated({ total: 2 })], handlers)

    expect(filtered).toEqual({ 'mail.never': 2, 'mail.second': 1 })
  })

  test('for no events is empty', () => {
    const { planned } = planOf([], [handler('mail.receipt')])

    expect(planned).toEqual([])
  })

  test('fails when an event cannot be stored', () => {
    const Anything = defineEvent('orders.anything', { schema: z.unknown() })

    const error = refusalOf(() => planOf([OrderCreated({ total: 1 }), Anything(() => 'late')], []))

    expect(error.code).toBe('POSTBUS_UNSERIALIZABLE')
    expect(error.message).toContain('orders.anything')
  })
})

describe('the source of an event', () => {
  test('is the bus’s if the event names none', () => {
    const { planned } = planOf([OrderCreated({ total: 1 })], [], 'shop')

    expect(planned[0]?.envelope.source).toBe('shop')
    expect(Object.isFrozen(planned[0]?.envelope)).toBe(true)
  })

  test('is the event’s own if it names one', () => {
    const { planned } = planOf([OrderCreated({ total: 1 }, { source: 'import' })], [], 'shop')

    expect(planned[0]?.envelope.source).toBe('import')
  })

  test('is the bus’s also for `interested`', () => {
    const asked: (string | null)[] = []
    const curious = handler('mail.receipt', ({ source }) => asked.push(source) > 0)

    planOf([OrderCreated({ total: 1 })], [curious], 'shop')

    expect(asked).toEqual(['shop'])
  })

  test('is null if neither names one, and then the event is passed on unchanged', () => {
    const event = OrderCreated({ total: 1 })

    const { planned } = planOf([event], [], null)

    expect(planned[0]?.envelope).toBe(event)
  })
})

describe('an event without handlers', () => {
  test('is planned, with a warning that names it', () => {
    const event = OrderCreated({ total: 1 })

    const { planned, signals } = planOf([event], [])

    expect(planned[0]?.handlers).toEqual([])
    expect(signals).toEqual([
      {
        name: 'event.no-handlers',
        level: 'warn',
        message: 'orders.order-created version 1 has no handlers: the event is stored, and no handler is called.',
        fields: { type: 'orders.order-created', version: 1, eventId: event.id },
      },
    ])
  })

  test('is planned, with a warning that names the versions with handlers', () => {
    const { signals } = planOf([OrderCreated2({})], [handler('mail.receipt')])

    expect(signals[0]?.message).toContain('version 2 has no handlers (there are handlers for version 1)')
  })

  test('gets no warning if it has handlers and none of them is interested', () => {
    const { planned, signals } = planOf([OrderCreated({ total: 1 })], [handler('mail.receipt', () => false)])

    expect(planned[0]?.handlers).toEqual([])
    expect(signals).toEqual([])
  })
})

describe('a value that is not an event', () => {
  const event = OrderCreated({ total: 1 })

  test.each([
    ['the event type itself', OrderCreated, 'the event type orders.order-created itself'],
    ['a promise of an event', Object.freeze(Promise.resolve(event)), 'a promise'],
    ['its data', { total: 1 }, 'a value of type object'],
    ['a copy of an event, which may have been changed', { ...event }, 'a value of type object'],
    ['null', null, 'null'],
    ['undefined', undefined, 'a value of type undefined'],
    ['its name', 'orders.order-created', 'a value of type string'],
    ['any other function', () => event, 'a value of type function'],
    ['a frozen object of another kind', Object.freeze({ type: 'orders.order-created' }), 'a value of type object'],
    ['a frozen object without a type', Object.freeze({ occurredAt: new Date(0) }), 'a value of type object'],
  ])('is refused: %s', (_, given, says) => {
    const error = refusalOf(() => planOf([given as never], [handler('mail.receipt')]))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toContain(`publish() was given ${says}: expected an event made by calling its event type`)
  })
})

function handler(name: string, interested?: (event: Envelope) => boolean): AnyHandler {
  return defineHandler(name, { on: OrderCreated, handle() {}, ...(interested && { interested }) })
}

function planOf(events: readonly Envelope[], handlers: readonly AnyHandler[], source: string | null = null) {
  const signals: BusSignal[] = []
  const emit = emitTo((signal) => signals.push(signal))
  const filtered = new FilteredCounts()
  const registry = createRegistry(handlers)
  const planned = planEvents(events, { registry, codec, emit, trace: traced(source), filtered })
  return { planned, signals, filtered: filtered.counts() }
}
