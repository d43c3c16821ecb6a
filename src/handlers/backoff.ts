/** How long a delivery waits before its next attempt: longer each time, with jitter so that retries do not arrive in step. */
import { z } from 'zod'

/** The exponential backoff of a handler: `initialMs × factor^(attempt − 1)`, at most `maxMs`, spread by `jitter`. */
export const backoffSchema = z
  .strictObject({
    initialMs: z
      .number()
      .min(0)
      .max(86_400_000)
      .default(2_000)
      .describe('Wait after the first failed attempt, in milliseconds.'),
    factor: z.number().min(1).max(100).default(4).describe('Each further wait is this many times longer.'),
    maxMs: z
      .number()
      .min(0)
      .max(7 * 86_400_000)
      .default(3_600_000)
      .describe('No wait is longer than this, in milliseconds.'),
    jitter: z.number().min(0).max(1).default(0.2).describe('Each wait is spread by this share, up and down.'),
  })
  .prefault({})

export type Backoff = z.input<typeof backoffSchema>
/** Gets the number of the failed attempt, counted from 1, and its error. Returns milliseconds. */
export type BackoffFunction = (attempt: number, error: unknown) => number

const MAX_DELAY_MS = 365 * 86_400_000

/** The wait in milliseconds after `attempt` (counted from 1) failed. What a function returns is clamped to 0 … 365 days. */
export function backoffDelayMs(
  backoff: z.output<typeof backoffSchema> | BackoffFunction,
  attempt: number,
  random: () => number = Math.random,
  error?: unknown,
): number {
  if (typeof backoff === 'function') return clamp(backoff(attempt, error))
  const { initialMs, factor, maxMs, jitter } = backoff
  const growth = Math.min(factor ** (attempt - 1), Number.MAX_VALUE) // 0 × Infinity would be NaN
  const delayMs = Math.min(initialMs * growth, maxMs)
  return clamp(Math.min(delayMs * (1 + jitter * (2 * random() - 1)), maxMs))
}

/** A backoff function that returns no number must not lose the delivery: the delivery then waits an hour, the default's longest wait. */
function clamp(delayMs: unknown): number {
  if (typeof delayMs !== 'number' || Number.isNaN(delayMs)) return 3_600_000
  return Math.round(Math.min(Math.max(delayMs, 0), MAX_DELAY_MS))
}
