/** The event of the fault tests, which says what its handlers must do, and the handlers, which write a trace. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import {
  defineEvent,
  defineHandler,
  PostbusError,
  type AnyHandler,
  type HandlerContext,
  type HandlerOptions,
} from '../../src/index.ts'
import type { TraceWriter } from '../support/trace.ts'

export const TaskAdded = defineEvent('faults.task-added', {
  schema: z.object({
    /**
     * - `work`: takes `ms`, and ignores its signal.
     * - `obey`: takes `ms`, or until its signal is aborted, which fails the attempt.
     * - `hang`: never returns.
     * - `compute`: computes for `ms` without a pause; nothing else in its process runs meanwhile.
     * - `fail`: throws after `ms`.
     * - `exit`: ends its process after `ms`.
     * - `exit-at-once`: ends its process before anything else can happen in it.
     * - `hoard`: takes memory until its process dies of that.
     * - `stray`: leaves a rejected promise behind, outside of the handler, and takes `ms`.
     */
    task: z.enum(['work', 'obey', 'hang', 'compute', 'fail', 'exit', 'exit-at-once', 'hoard', 'stray']).default('work'),
    ms: z.number().default(0),
    /** How long later attempts take. Default: as long as the first. */
    laterMs: z.number().optional(),
    /** How many attempts fail first. */
    failures: z.number().default(0),
    /** How many generations follow: the handler of each task publishes two more tasks. */
    generations: z.number().default(0),
    /** The key's turn, counted under its row lock; null when published without it. */
    turn: z.number().nullable().default(null),
    key: z.string().nullable().default(null),
    /** The handler that must do the task; `*` means every handler. */
    for: z.string().default('faults.steady'),
  }),
  partitionKey: (data) => data.key,
})

export type Task = Parameters<typeof TaskAdded>[0]

/** The properties of a handler that a test may choose. */
export interface TracedHandler {
  readonly name: string
  readonly maxAttempts?: number
  readonly timeoutMs?: number
  readonly retryMs?: number
  readonly concurrency?: HandlerOptions['concurrency']
  readonly rateLimit?: HandlerOptions['rateLimit']
  /** Gives the handler a backfill since the beginning, with this `followMs`. */
  readonly backfillFollowMs?: number
  readonly delivery?: 'job' | 'log'
  readonly shards?: number
  /** The size of its batches. Default: it takes single events. */
  readonly batchSize?: number
}

export const STEADY: TracedHandler = { name: 'faults.steady' }

export function tracedHandler(
  { name, retryMs = 50, backfillFollowMs: followMs, ...options }: TracedHandler,
  write: TraceWriter,
): AnyHandler {
  return defineHandler(name, {
    on: TaskAdded,
    ...options,
    ...(followMs !== undefined && { backfill: { since: new Date(0), followMs } }),
    backoff: { initialMs: retryMs, factor: 1, jitter: 0 },
    interested: (event) => event.data.for === name || event.data.for === '*',
    async handle(event, context) {
      if (event.data.task === 'exit-at-once') process.exit(7)
      if (event.data.task === 'hoard') hoard()
      const who = { handler: name, eventId: event.id, key: event.partitionKey, attempt: context.attempt }
      const started = write({ ...who, step: 'start', reason: null })
      context.signal.addEventListener('abort', () => {
        const reason = codeOf(context.signal.reason)
        void started.then(() => write({ ...who, step: 'aborted', reason })) // writing that it starts can take longer than its time limit
      })
      await started
      try {
        const { task, ms, laterMs = ms, failures } = event.data
        await perform(task, context.attempt === 1 ? ms : laterMs, context)
        if (context.attempt <= failures) throw new Error(`attempt ${context.attempt} fails`)
        if (event.data.generations > 0) await context.publish(childrenOf(event.data.generations, event.data.ms, name))
      } catch (error) {
        await write({ ...who, step: 'fail', reason: codeOf(error) })
        throw error
      }
      await write({ ...who, step: 'end', reason: null })
    },
  })
}

/** Two tasks: one has a key, the other has none. */
function childrenOf(generations: number, ms: number, handler: string) {
  const child = { ms, for: handler, generations: generations - 1 }
  return [TaskAdded(child), TaskAdded({ ...child, key: `generation ${generations} of ${ms}` })]
}

async function perform(task: string, ms: number, { signal }: HandlerContext): Promise<void> {
  if (task === 'stray') setImmediate(() => void Promise.reject(new Error('a stray promise was rejected')))
  if (task === 'compute') return compute(ms)
  if (task === 'hang') return new Promise<void>(() => undefined)

  await delay(ms, undefined, task === 'obey' ? { signal } : {})
  if (task === 'fail') throw new Error('this task always fails')
  if (task === 'exit') process.exit(7)
}

function hoard(): never {
  const kept: unknown[] = []
  for (;;) kept.push(Array.from({ length: 1_000_000 }, Math.random))
}

function compute(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

function codeOf(error: unknown): string {
  const reason = error instanceof Error && error.cause !== undefined ? error.cause : error
  return reason instanceof PostbusError ? reason.code : String(reason)
}
