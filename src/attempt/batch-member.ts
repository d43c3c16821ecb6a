/** The members of a batch, and what a batch handler is called with. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'

/** One delivery of a batch, opened for its handler. */
export interface BatchMember {
  readonly delivery: ClaimedDelivery
  readonly event: Envelope | ShadowEvent
  /** The first delivery of its lane in this batch, which holds the claim for both. Left out: this delivery has its own claim. */
  readonly head?: ClaimedDelivery
}

export interface BatchCall {
  readonly handler: AnyHandler
  /** In order, at least one. */
  readonly members: readonly BatchMember[]
  readonly abort: AbortController
}
