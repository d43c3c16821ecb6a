import { expect, test } from 'vitest'
import { z } from 'zod'
import { createCodec } from '../../../src/codec/codec.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { openEnvelope } from '../../../src/attempt/open-envelope.ts'
import { refusalOf } from '../refusal.ts'
import { stored } from '../worker/a-delivery.ts'

const codec = createCodec()
const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), placedAt: z.date(), lines: z.set(z.bigint()) }),
  version: 3,
  partitionKey: ({ orderId }) => orderId,
})
const event = OrderCreated(
  { orderId: 'o1', placedAt: new Date('2026-01-01'), lines: new Set([7n]) },
  { correlationId: 'c1', causationId: 'c2', source: 'shop', metadata: { tenant: 'a' }, ttlMs: 1_000 },
)

test('a stored event opens as the event that was published, with every field', () => {
  const opened = openEnvelope(stored(event), codec)

  expect(opened).toEqual(event)
  expect(Object.isFrozen(opened)).toBe(true)
})

test('an event whose payload is damaged does not open', () => {
  const error = refusalOf(() => openEnvelope(stored(event, { payload: 'x' }), codec))

  expect(error.code).toBe('POSTBUS_CORRUPT_PAYLOAD')
})
