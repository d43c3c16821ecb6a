/** When a webhook that failed is sent again: ten attempts in three days, as Standard Webhooks recommends. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const WAITS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]

/** The number of attempts with these waits between them. */
export const WEBHOOK_ATTEMPTS = WAITS.length + 1

/**
 * A `backoff` for relays that send webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, each varied at random by up to a tenth. Use
 * it with `maxAttempts: 10`.
 *
 * @example defineRelay('partner.orders', { on: OrderCreated, to, maxAttempts: 10, backoff: webhookBackoff })
 */
export function webhookBackoff(attempt: number): number {
  const wait = WAITS[Math.min(attempt, WAITS.length) - 1] ?? 5 * SECOND
  return Math.round(wait * (0.9 + 0.2 * Math.random()))
}
