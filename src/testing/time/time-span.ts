/** A length of time as a test writes it: `{ minutes: 5 }`. */
import { z } from 'zod'
import { PostbusError } from '../../errors.ts'

const amount = z.number().min(0).optional()

export const timeSpan = z.strictObject({
  milliseconds: amount,
  seconds: amount,
  minutes: amount,
  hours: amount,
  days: amount,
})

/** A length of time: the sum of its parts. */
export type TimeSpan = z.input<typeof timeSpan>

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for a value that is not a length of time, or that has no parts. */
export function millisecondsIn(what: string, given: TimeSpan): number {
  const parsed = timeSpan.safeParse(given)
  if (!parsed.success || Object.keys(parsed.data).length === 0) {
    throw new PostbusError(
      'POSTBUS_INVALID_OPTIONS',
      `${what}: expected a length of time such as { minutes: 5 }, got ${JSON.stringify(given)}.`,
    )
  }
  const { milliseconds = 0, seconds = 0, minutes = 0, hours = 0, days = 0 } = parsed.data
  return milliseconds + (seconds + (minutes + (hours + days * 24) * 60) * 60) * 1_000
}
