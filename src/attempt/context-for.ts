/** Makes the context that a handler is given besides its event. */
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { Hooks } from '../middleware/hooks.ts'
import { logWith, type Emit } from '../signals.ts'
import { causedBy } from '../publishing/trace.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import { fieldsOf, traceOf } from './attempt-signals.ts'
import type { HandlerCall } from './handler-call.ts'
import { replayOf } from './open-envelope.ts'

export interface ContextParts {
  readonly emit: Emit
  readonly middleware: Pick<Hooks, 'bus'>
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** For `context.tx`: the handler runs inside `publish` or in a transaction of its own, or a test drains inside a transaction. */
  readonly tx?: PublishTransaction | undefined
}

/**
 * Returns a plain frozen object, so its fields can be destructured or spread into another object. Getters that make the log and the
 * signal only when they are read would save a worker 0.1 µs of 10, but `{ ...context }` would lose them.
 */
export function contextFor(
  { delivery, handler, event, abort }: HandlerCall,
  { emit, middleware, publish, tx }: ContextParts,
): HandlerContext {
  const replayId = delivery.event === null ? null : replayOf(delivery.event)
  const context: HandlerContext = {
    attempt: delivery.attempt,
    maxAttempts: handler.options.maxAttempts,
    deliveryId: delivery.id,
    isReplay: replayId !== null,
    replayId,
    signal: abort.signal,
    bus: middleware.bus,
    log: logWith(emit, () => ({ ...fieldsOf(delivery), ...traceOf(event) })),
    publish(events, options) {
      const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
      return publish(
        list.map((next) => causedBy({ event, handler: handler.name }, next)),
        tx === undefined ? options : { tx, ...options },
      )
    },
  }
  return Object.freeze(tx === undefined ? context : { ...context, tx })
}
