/** Options of a handler's pace: its rate limit, which of its events wait for each other, and what happens when its target is down. */
import { z } from 'zod'

/** Returns whether another attempt may succeed after this error. Synchronous, without side effects. */
export type IsRetryable = (error: unknown) => boolean

const A_DAY = 86_400_000

export const paceOptions = {
  ordered: z
    .boolean()
    .default(true)
    .describe(
      '`false`: events with a key do not wait for each other. A failed event delays no other event of its key.',
    ),
  coalesce: z
    .literal('latest')
    .optional()
    .describe(
      '`latest`: of the events of one type and key that wait, only the newest is handled. The older ones are recorded as superseded.',
    ),
  rateLimit: z
    .strictObject({
      limit: z.int().min(1).max(100_000),
      perMs: z
        .int()
        .min(1)
        .max(31 * A_DAY),
    })
    .optional()
    .describe(
      '`{ limit, perMs }`: no more attempts than so many within so many milliseconds, in all processes together, evenly spread.',
    ),
  circuitBreaker: z
    .strictObject({
      failures: z.int().min(1).max(1_000),
      perMs: z
        .int()
        .min(1)
        .max(31 * A_DAY),
      pauseMs: z
        .int()
        .min(1_000)
        .max(31 * A_DAY),
    })
    .optional()
    .describe(
      '`{ failures, perMs, pauseMs }`: after so many failed attempts within `perMs`, in all processes together, the handler pauses. After `pauseMs` one attempt probes.',
    ),
  isRetryable: z
    .custom<IsRetryable>((value) => typeof value === 'function', { error: 'expected a function (error) => boolean' })
    .optional()
    .describe(
      'A function `(error)`: `false` makes a failed attempt the last one. If it throws, the attempt is tried again.',
    ),
}

interface Paced {
  readonly delivery: 'job' | 'log'
  readonly ordered: boolean
  readonly coalesce?: 'latest' | undefined
  readonly onDead: unknown
}

/** Returns the problem of two options that do not fit together, or `null`. */
export function paceProblem({ delivery, ordered, coalesce, onDead }: Paced): string | null {
  if (ordered) return null
  if (delivery === 'log')
    return "expected no `ordered: false`: with `delivery: 'log'` the events of a key come in the order of the log. Take it out, or use `delivery: 'job'`."
  if (coalesce !== undefined)
    return 'expected no `coalesce` with `ordered: false`: what is newest is known only where the events of a key wait for each other. Take one of them out.'
  if (onDead === 'block')
    return "expected no `onDead: 'block'` with `ordered: false`: there is no key to hold. Take one of them out."
  return null
}

/** The part of a handler that this file uses. */
interface Ordered {
  readonly options: { readonly ordered: boolean }
}

/** Whether the handler's events of one key wait for each other. */
export function isOrdered({ options }: Ordered): boolean {
  return options.ordered
}
