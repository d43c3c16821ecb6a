/**
 * How attempts are counted on a pg-boss job. Each claim but the first raises `retry_count`; a claim that uses no attempt
 * (snoozed, put back, given back at a stop) raises `retry_limit` too when it ends. So the number of an attempt is
 * `retry_count - (retry_limit - RETRY_LIMIT) + 1`.
 *
 * The limit itself is far above any `maxAttempts`: pg-boss's supervisor, if one runs on the same schema, must never end a
 * delivery for good behind our back.
 */
export const RETRY_LIMIT = 1_000_000
