/** Says why a webhook was not accepted: for `isRetryable` and `backoff` of its relay, and for the errors of the delivery. */

/**
 * An attempt at a webhook failed.
 *
 * @example isRetryable: (error) => !(error instanceof WebhookError && error.status === 422)
 */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
  readonly code = 'POSTBUS_WEBHOOK_FAILED'
  /** The status that the endpoint returned; `null` when it returned none. */
  readonly status: number | null

  constructor(message: string, { status, cause }: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.status = status ?? null
  }

  /** Whether the endpoint seems to be down or too busy. Otherwise it has refused this message. */
  get isOutage(): boolean {
    return this.status === null || this.status === 408 || this.status === 429 || this.status >= 500
  }
}
