/**
 * How attempts are counted on a pg-boss job. Each claim but the first raises `retry_count`; a claim that uses no attempt
 * (snoozed, put back, given back at a stop) raises `retry_limit` too when it ends. So the number of the attempt is
 * `retry_count - (retry_limit - RETRY_LIMIT) + 1`.
 *
 * The limit itself is far above any `maxAttempts`: if pg-boss's supervisor runs on the same schema, it must never end a
 * delivery for good without Postbus.
 */
export const RETRY_LIMIT = 1_000_000
