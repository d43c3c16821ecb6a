/** The options of a handler: limits, defaults and documentation of each, declared once. */
import { z } from 'zod'
import { backoffSchema, type Backoff, type BackoffFunction } from './backoff.ts'
import { paceOptions, type IsRetryable } from './pace.ts'

/** Decides for one dead delivery. Synchronous, without side effects. The event has the type that the handler listens to. */
// Its parameter is `never`, as in `AnyHandler`, so that a function for any event fits.
type OnDeadFunction = (error: unknown, event: never) => 'continue' | 'block'

const limit = z.int().min(1).max(100_000)

/** The options of a handler, declared once: limits, defaults and documentation. */
export const handlerOptions = z.strictObject({
  priority: z.int().min(0).max(9).default(0).describe('0 runs first, 9 last, among the deliveries waiting in a queue.'),
  maxAttempts: z.int().min(1).max(1_000).default(5).describe('Attempts in all before the delivery is a dead letter.'),
  timeoutMs: z
    .int()
    .min(1)
    .max(12 * 3_600_000)
    .default(60_000)
    .describe('An attempt that takes longer has its `context.signal` aborted and counts as failed.'),
  queue: z
    .string()
    .default('events')
    .describe('The queue for this handler’s deliveries; those with a key use `<queue>_partitioned`.'),
  concurrency: z
    .union(
      [
        limit.transform((perProcess) => ({ perProcess })),
        z
          .strictObject({ perProcess: limit.optional(), cluster: limit.optional() })
          .refine(({ perProcess, cluster }) => perProcess ?? cluster),
      ],
      {
        error: 'expected a whole number from 1 to 100,000, or { perProcess, cluster } with one such number or two',
      },
    )
    .optional()
    .describe(
      'How many attempts of this handler may run at once: in one worker process, or `{ perProcess, cluster }`, where `cluster` counts all of them. Default: as many as the queue has slots.',
    ),
  onDead: z
    .union([z.enum(['continue', 'block']), z.custom<OnDeadFunction>((value) => typeof value === 'function')], {
      error: "expected 'continue', 'block', or a function that returns one of them",
    })
    .default('continue')
    .describe(
      'When a delivery with a key dies: `continue` goes on with the next of its key, `block` holds the key until an operator acts. Or a function `(error, event)` that returns one of them; if it throws, the key is held.',
    ),
  backfill: z
    .strictObject({
      since: z.date(),
      followMs: z
        .int()
        .min(0)
        .max(30 * 86_400_000)
        .default(900_000),
    })
    .optional()
    .describe(
      'For a handler that is added later: `{ since }` gives it what was published from then on, first and once. `followMs` is how long after that publishers may be running which do not know the handler (15 minutes).',
    ),
  delivery: z
    .enum(['job', 'log'])
    .default('job')
    .describe(
      '`job`: a publish writes a delivery for it. `log`: workers read the log of events for it, in order, and only what fails becomes a delivery.',
    ),
  shards: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe("For `delivery: 'log'`: into how many parts its keys are divided among the workers (16)."),
  transactional: z
    .boolean()
    .default(false)
    .describe(
      'Whether each attempt runs in a transaction of yours, `context.tx`, in which the delivery is completed too: what it writes is there exactly once. It takes `createBus({ transaction })`.',
    ),
  runs: z
    .enum(['in-worker', 'in-transaction'])
    .default('in-worker')
    .describe(
      '`in-transaction`: inside `publish`, in the publisher’s transaction, `context.tx`. What it throws rejects the publish; nothing is stored for it, and nothing is retried.',
    ),
  backoff: z
    .union([backoffSchema, z.custom<BackoffFunction>((value) => typeof value === 'function')])
    .prefault({})
    .describe('Waiting time between attempts: exponential, or a function `(attempt, error) => milliseconds`.'),
  ...paceOptions,
})

export type HandlerOptions = Omit<z.input<typeof handlerOptions>, 'backoff' | 'isRetryable' | 'onDead'> & {
  readonly backoff?: Backoff | BackoffFunction
  readonly isRetryable?: IsRetryable
  readonly onDead?: 'continue' | 'block' | undefined
}
