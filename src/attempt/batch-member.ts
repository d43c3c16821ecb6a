/** The members of a batch, and what a batch handler is called with. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'

/** One delivery of a batch, opened for its handler. */
export interface BatchMember {
  readonly delivery: ClaimedDelivery
  readonly event: Envelope | ShadowEvent
  /** The first of its lane that came with it, whose claim it has; left out: it has a claim of its own. */
  readonly head?: ClaimedDelivery
}

export interface BatchCall {
  readonly handler: AnyHandler
  /** In order, at least one. */
  readonly members: readonly BatchMember[]
  readonly abort: AbortController
}
