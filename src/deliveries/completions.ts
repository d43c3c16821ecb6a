/** Telling deliveries that wait after `awaitCompletion` how they ended: `bus.deliveries`. */
import { z } from 'zod'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { DeliveryState } from './delivery-state.ts'
import { storableText } from './storable-text.ts'

export interface CompletionOptions {
  /** The caller's open transaction: the completion counts if and only if it commits. Default: a transaction of its own. */
  readonly tx?: PublishTransaction
  /** Who does it, at most 512 characters. If given, it is recorded among the acts. Default: not recorded. */
  readonly by?: string
}

export interface SkipOptions extends CompletionOptions {
  /** Why, at most 2,000 characters. Default: a text that says it was skipped by hand. */
  readonly reason?: string
}

export interface CompletionReport {
  /** `true`: the report counts. `false`: it came twice or too late, or the delivery does not wait; see `state`. */
  readonly isApplied: boolean
  /**
   * The present state of the delivery. If the report counts: `done` or `skipped`; `waiting` after `fail`, until a worker records the failed
   * attempt; `running` if the handler has not returned `awaitCompletion(…)` yet: the report takes effect as soon as it does.
   */
  readonly state: DeliveryState
}

export interface Deliveries {
  /**
   * Reports that a waiting delivery is done; its key goes on. `deliveryId` is the handler's `context.deliveryId`.
   *
   * @example
   * app.post('/payments/callback', async ({ body }) => {
   *   const { isApplied, state } = await bus.deliveries.complete(body.reference)
   *   return isApplied || state === 'done' ? 204 : 409
   * })
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_DELIVERY`, `POSTBUS_INVALID_OPTIONS`, and what `publish` throws about a
   * transaction.
   */
  complete(deliveryId: string, options?: CompletionOptions): Promise<CompletionReport>
  /**
   * Reports that a waiting delivery has nothing left to do: it is recorded as skipped, and its key goes on.
   *
   * @example await bus.deliveries.skip(deliveryId, { by: 'ada', reason: 'the order was withdrawn' })
   * @throws {PostbusError} as `complete`.
   */
  skip(deliveryId: string, options?: SkipOptions): Promise<CompletionReport>
  /**
   * Reports that the attempt of a waiting delivery has failed. A worker tries it again after the handler's backoff, or makes it a dead
   * letter if that was the last attempt. `reason` is stored, at most 2,000 characters: keep secrets out of it.
   *
   * @example await bus.deliveries.fail(deliveryId, 'the card was declined')
   * @throws {PostbusError} as `complete`.
   */
  fail(deliveryId: string, reason: string, options?: CompletionOptions): Promise<CompletionReport>
}

export const completionOptions = z.strictObject({
  by: storableText(512).optional(),
  reason: storableText(2_000).optional(),
})
