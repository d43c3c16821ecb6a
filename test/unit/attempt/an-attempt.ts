import type { ClaimedDelivery } from '../../../src/deliveries/delivery.ts'
import { createCodec } from '../../../src/codec/codec.ts'
import type { PostbusError } from '../../../src/errors.ts'
import type { Envelope } from '../../../src/events/envelope.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler, type AnyHandler } from '../../../src/handlers/handler.ts'
import type { HandlerOptions } from '../../../src/handlers/handler-options.ts'
import type { HandlerContext } from '../../../src/handlers/handler-context.ts'
import type { Outcome } from '../../../src/handlers/outcome.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { Deadlines } from '../../../src/attempt/deadlines.ts'
import { runAttempt, type AttemptParts } from '../../../src/attempt/run-attempt.ts'
import { NO_HOOKS } from '../../../src/middleware/hooks.ts'
import { z } from 'zod'
import { aDelivery, stored } from '../worker/a-delivery.ts'

const schema = z.object({ orderId: z.string(), placedAt: z.date() })

export const OrderCreated = defineEvent('orders.order-created', { schema, version: 2 })
export const event = OrderCreated({ orderId: 'o1', placedAt: new Date('2026-01-01') }, { metadata: { tenant: 'a' } })
/** The first attempt of `mail.receipt` at that event. */
export const delivery = aDelivery({ event: stored(event) })

type Handle = (event: Envelope, context: HandlerContext) => unknown

/** Returns the outcome of one attempt by `mail.receipt` with this `handle`. */
export function outcomeOf(
  claimed: ClaimedDelivery,
  handle: Handle = () => 'called',
  options: HandlerOptions = {},
): Promise<Outcome> {
  return attemptBy(defineHandler('mail.receipt', { on: OrderCreated, handle, ...options }), claimed)
}

/** Returns the outcome of one attempt in a worker that knows one handler. */
export async function attemptBy(
  handler: AnyHandler,
  claimed: ClaimedDelivery = delivery,
  given: Partial<AttemptParts> = {},
): Promise<Outcome> {
  const parts = {
    registry: createRegistry([handler]),
    codec: createCodec(),
    emit: () => undefined,
    publish: async () => ({ events: [] }),
    middleware: NO_HOOKS,
    deadlines: new Deadlines(),
    payloadOf: async () => null,
    deliveriesOf: async () => [],
    supersede: async () => null,
  }
  return runAttempt(claimed, new AbortController(), { ...parts, ...given })
}

/** The error of an outcome. Tests look at its code and message as at an error of ours. */
export function errorIn(outcome: Outcome): PostbusError | undefined {
  const error = outcome.is === 'put-back' ? outcome.reason : 'error' in outcome ? outcome.error : undefined
  return error as PostbusError | undefined
}
