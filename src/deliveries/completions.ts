/** Telling deliveries how they ended that wait for it (`awaitCompletion`): `bus.deliveries`. */
import { z } from 'zod'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { DeliveryState } from './delivery-state.ts'
import { storableText } from './storable-text.ts'

export interface CompletionOptions {
  /** The caller's open transaction: it counts if and only if that commits. Default: a transaction of its own. */
  readonly tx?: PublishTransaction
  /** Who says so, at most 512 characters: then it is recorded among the acts. Default: not recorded. */
  readonly by?: string
}

export interface SkipOptions extends CompletionOptions {
  /** Why, at most 2,000 characters. Default: that it was skipped by hand. */
  readonly reason?: string
}

export interface CompletionReport {
  /** It counts. `false`: it came twice or too late, or the delivery does not wait; `state` says where that stands. */
  readonly isApplied: boolean
  /**
   * The state that the delivery is in now. Where it counts: `done` or `skipped`; `waiting` for the worker that makes a failed attempt of it;
   * `running` while its handler has not said yet that it waits: it counts as soon as it does.
   */
  readonly state: DeliveryState
}

export interface Deliveries {
  /**
   * A delivery that waits is done, and its key goes on. `deliveryId` is `context.deliveryId` of the handler.
   *
   * @example
   * app.post('/payments/callback', async ({ body }) => {
   *   const { isApplied, state } = await bus.deliveries.complete(body.reference)
   *   return isApplied || state === 'done' ? 204 : 409
   * })
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_DELIVERY`, `POSTBUS_INVALID_OPTIONS`, and what `publish` throws of a transaction.
   */
  complete(deliveryId: string, options?: CompletionOptions): Promise<CompletionReport>
  /**
   * A delivery that waits has nothing to do any more: it is recorded as skipped, and its key goes on.
   *
   * @example await bus.deliveries.skip(deliveryId, { by: 'ada', reason: 'the order was withdrawn' })
   * @throws {PostbusError} as `complete`.
   */
  skip(deliveryId: string, options?: SkipOptions): Promise<CompletionReport>
  /**
   * The attempt of a delivery that waits has failed. A worker tries it again after the handler's backoff, or makes it a dead letter if that
   * was the last one. `reason` is stored, at most 2,000 characters: keep secrets out of it.
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
