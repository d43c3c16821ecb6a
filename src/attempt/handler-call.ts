/** Everything that a call of a handler needs, and the answer that the call gives. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'

export interface HandlerCall {
  readonly delivery: ClaimedDelivery
  readonly handler: AnyHandler
  /** What the handler gets: a copy of the event, or its shadow. */
  readonly event: Envelope | ShadowEvent
  readonly abort: AbortController
}

/** The result of calling a handler: the value that it returned, or the error that it threw. */
export type Answer =
  { readonly threw: false; readonly value: unknown } | { readonly threw: true; readonly error: unknown }
