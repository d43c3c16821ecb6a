import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createCodec } from '../../../src/codec/codec.ts'
import type { ClaimedDelivery } from '../../../src/deliveries/delivery.ts'
import type { Bus } from '../../../src/bus.ts'
import type { Envelope } from '../../../src/events/envelope.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler } from '../../../src/handlers/handler.ts'
import type { HandlerOptions } from '../../../src/handlers/handler-options.ts'
import type { HandlerContext } from '../../../src/handlers/handler-context.ts'
import { discard, snooze } from '../../../src/handlers/outcome.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { emitTo, type BusSignal } from '../../../src/signals.ts'
import { concludedAttempt } from '../../../src/attempt/concluded-attempt.ts'
import { attemptsWith } from '../../../src/attempt/attempts.ts'
import { NO_HOOKS } from '../../../src/middleware/hooks.ts'
import { aDelivery, stored } from '../worker/a-delivery.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

const OrderCreated = defineEvent('orders.order-created', { schema: z.string() })
const InvoiceCreated = defineEvent('finances.invoice-created', { schema: z.string() })
const event = OrderCreated('o1')
const delivery = aDelivery({ attempt: 2, event: stored(event) })
const who = {
  deliveryId: delivery.id,
  handler: 'mail.receipt',
  attempt: 2,
  eventId: event.id,
  eventType: 'orders.order-created',
}

describe('the context of a handler', () => {
  test('has the attempt, the maximum of attempts and the delivery', async () => {
    const { handle } = await attempt(() => undefined, { maxAttempts: 7 })

    expect(handle.mock.calls[0]?.[1]).toMatchObject({ attempt: 2, maxAttempts: 7, deliveryId: delivery.id })
  })

  test('cannot be changed', async () => {
    const { handle } = await attempt(() => undefined)

    expect(Object.isFrozen(handle.mock.calls[0]?.[1])).toBe(true)
  })

  test('can be destructured and spread into another object', async () => {
    const { handle } = await attempt(() => undefined)

    const context = handle.mock.calls[0]?.[1]
    expect(Object.keys({ ...context })).toEqual([
      'attempt',
      'maxAttempts',
      'deliveryId',
      'isReplay',
      'replayId',
      'signal',
      'bus',
      'log',
      'publish',
    ])
    expect({ ...context }).toEqual(context)
  })

  test('has the signal that ends the attempt', async () => {
    const { handle, abort } = await attempt(() => undefined)

    expect(handle.mock.calls[0]?.[1].signal).toBe(abort.signal)
  })

  test('logs with the event, the handler and the attempt beside the given fields', async () => {
    const { signals } = await attempt((_, { log }) => log.warn('slow', { ms: 900 }))

    expect(signals).toEqual([{ name: 'handler.log', level: 'warn', message: 'slow', fields: { ...who, ms: 900 } }])
  })

  test('logs with the event’s key, correlation id and trace, if it has them', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const traced = { ...event, partitionKey: 'o1', correlationId: 'request-7', metadata: { traceparent } }
    const claimed = aDelivery({ attempt: 1, event: stored(traced) })

    const { signals } = await attempt((_, { log }) => log.info('found'), {}, claimed)

    expect(signals[0]?.fields).toEqual({
      ...who,
      attempt: 1,
      deliveryId: claimed.id,
      partitionKey: 'o1',
      correlationId: 'request-7',
      traceId: '0af7651916cd43dd8448eb211c80319c',
    })
  })
})

describe('an event that a handler publishes', () => {
  test('names the handler’s event as its cause, and begins a chain with that event’s id', async () => {
    const { published } = await attempt((_, { publish }) => publish(InvoiceCreated('i1')))

    expect(published[0]).toMatchObject([{ data: 'i1', causationId: event.id, correlationId: event.id }])
  })

  test('continues the chain of the handler’s event', async () => {
    const inChain = OrderCreated('o1', { correlationId: 'c1' })

    const { published } = await attempt(
      (_, { publish }) => publish(InvoiceCreated('i1')),
      {},
      {
        ...delivery,
        event: stored(inChain),
      },
    )

    expect(published[0]).toMatchObject([{ causationId: inChain.id, correlationId: 'c1' }])
  })

  test('keeps the fields that its publisher has set', async () => {
    const said = { causationId: 'a', correlationId: 'b' }

    const { published } = await attempt((_, { publish }) => publish([InvoiceCreated('i1', said), InvoiceCreated('i2')]))

    expect(published[0]).toMatchObject([said, { causationId: event.id }])
  })

  test('is published with the given options', async () => {
    const tx = { executeSql: async () => ({ rows: [] }) }

    const { options } = await attempt((_, { publish }) => publish(InvoiceCreated('i1'), { tx }))

    expect(options).toEqual([{ tx }])
  })

  test('is still an event: frozen, and with the same content', async () => {
    const invoice = InvoiceCreated('i1')

    const { published } = await attempt((_, { publish }) => publish(invoice))

    const [sent] = published[0] ?? []
    expect(Object.isFrozen(sent)).toBe(true)
    expect(sent).toEqual({
      ...invoice,
      causationId: event.id,
      correlationId: event.id,
      causedByHandler: 'mail.receipt',
    })
  })
})

describe('the signal of an attempt', () => {
  test('is absent when the attempt is done or snoozed', async () => {
    const done = await attempt(() => 'sent')
    const snoozed = await attempt(() => snooze({ seconds: 1 }))

    expect([...done.signals, ...snoozed.signals]).toEqual([])
  })

  test('is a warning when it failed, with the reason and the time of the retry', async () => {
    const { signals } = await attempt(() => Promise.reject(new Error('password=hunter2')), { backoff: () => 7_000 })

    expect(signals).toMatchObject([{ name: 'attempt.failed', level: 'warn', fields: { ...who, retryInMs: 7_000 } }])
    expect(signals[0]?.message).toBe(
      `mail.receipt for orders.order-created ${event.id}: attempt 2 failed: password=***`,
    )
  })

  test('is an error when the delivery died, with secrets blacked out', async () => {
    const { signals } = await attempt(() => discard('token=hunter2'))

    expect(signals).toMatchObject([{ name: 'delivery.dead', level: 'error', fields: who }])
    expect(signals[0]?.message).toMatch(/dead after attempt 2: token=\*\*\*$/)
  })

  test('is a warning when the delivery was put back, with the code of the reason', async () => {
    const { signals } = await attempt(() => 'sent', {}, { ...delivery, handler: 'mail.newsletter' })

    expect(signals).toMatchObject([
      { name: 'delivery.put-back', level: 'warn', fields: { code: 'POSTBUS_UNKNOWN_HANDLER' } },
    ])
  })

  test('names no event when the event is gone', async () => {
    const { signals } = await attempt(() => 'sent', {}, { ...delivery, event: null })

    expect(signals).toMatchObject([{ name: 'delivery.dead', fields: { eventId: null, eventType: null } }])
  })

  test('is an error when the handler runs on after its time limit', async () => {
    vi.useFakeTimers()
    const handler = Promise.withResolvers<void>()
    const signals: BusSignal[] = []

    const running = attempt(() => handler.promise, { timeoutMs: 1_000 }, delivery, signals)
    await vi.advanceTimersByTimeAsync(6_000)
    const overdue = signals.slice()
    handler.resolve()
    await running
    vi.useRealTimers()

    expect(overdue).toMatchObject([{ name: 'attempt.overdue', level: 'error', fields: who }])
  })
})

type Handle = (event: Envelope, context: HandlerContext) => unknown

async function attempt(
  work: Handle,
  options: HandlerOptions = {},
  claimed: ClaimedDelivery = delivery,
  signals: BusSignal[] = [],
) {
  const handle = vi.fn<Handle>(work)
  const publish = vi.fn<Bus['publish']>(async () => ({ events: [] }))
  const abort = new AbortController()
  const emit = emitTo((signal) => signals.push(signal))
  const handler = defineHandler('mail.receipt', { on: OrderCreated, handle, ...options })
  const { attempt: run } = attemptsWith({
    registry: createRegistry([handler]),
    codec: createCodec(),
    emit,
    publish,
    middleware: NO_HOOKS,
    payloadOf: async () => null,
    deliveriesOf: async () => [],
    supersede: async () => null,
  })
  const { outcome } = await concludedAttempt(run(claimed, abort), claimed, emit)
  const published = publish.mock.calls.map(([events]) => events as readonly Envelope[])
  return { outcome, handle, abort, signals, published, options: publish.mock.calls.map(([, given]) => given) }
}
