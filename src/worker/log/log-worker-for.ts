/** Makes what a worker needs for those of its handlers that read the log; nothing, if there are none. */
import { setTimeout } from '../../clock.ts'
import type { LogStore } from '../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import { isLogHandler } from '../../handlers/log-delivery.ts'
import type { Registry } from '../../handlers/registry.ts'
import { partitionedQueue } from '../../names.ts'
import type { Emit } from '../../signals.ts'
import type { WorkPlan } from '../work-plan.ts'
import { LogHandling } from './log-handling.ts'
import { LogWorker, type LogWorkerParts } from './log-worker.ts'

interface Parts extends Pick<LogWorkerParts, 'store' | 'tally' | 'emit' | 'pollMs'> {
  wake(queue: string): void
}

/** Makes the cursors of handlers that are new. */
export async function logWorkerFor(plan: WorkPlan, { wake, ...parts }: Parts): Promise<LogWorker | null> {
  await parts.store.refuseFormer(plan.log.registry.handlers)
  const handlers = readersIn(plan)
  if (handlers.length === 0) return null
  const handlings = await handlingsOf(plan, handlers, parts)
  return new LogWorker({
    ...parts,
    attempt: plan.attempt,
    batchAttempts: plan.batchAttempts,
    handlings,
    types: typesOf(plan.log.registry, handlers),
    // Nothing announces that a short wait is over, and the poll would make it a long one.
    wakeAfter(queue, delayMs) {
      if (delayMs < parts.pollMs) setTimeout(() => wake(queue), delayMs + 1).unref()
    },
  })
}

/** The handlers that read the log and whose queues this worker works on: its failures go there. */
export function readersIn({ log, queues }: Pick<WorkPlan, 'log' | 'queues'>): readonly AnyHandler[] {
  return log.registry.handlers.filter((handler) => isLogHandler(handler) && concurrencyOf(queues, handler) > 0)
}

async function handlingsOf(
  { log, queues, slotsOf }: WorkPlan,
  handlers: readonly AnyHandler[],
  { store, emit }: { readonly store: LogStore; readonly emit: Emit },
): Promise<readonly LogHandling[]> {
  const subscriptions = await store.prepare(handlers)
  return handlers.flatMap((handler, place) => {
    const subscription = subscriptions[place]
    if (!subscription) return []
    const slots = slotsOf(handler.options.queue)
    return [
      new LogHandling({ handler, subscription, slots, concurrency: concurrencyOf(queues, handler) }, { ...log, emit }),
    ]
  })
}

/** As many at once as the queue has slots. */
function concurrencyOf(queues: WorkPlan['queues'], { options: { queue } }: AnyHandler): number {
  return Math.max(queues.get(queue) ?? 0, queues.get(partitionedQueue(queue)) ?? 0)
}

/** What the handlers listen to, by the names that may be stored. Patterns cannot be named. */
export function typesOf({ names }: Registry, handlers: readonly AnyHandler[]): readonly string[] | null {
  const subscriptions = handlers.flatMap((handler) => handler.subscriptions)
  const types = subscriptions.flatMap((one) => (one.is === 'event-type' ? names.eventTypes.all(one.type) : []))
  return subscriptions.every((one) => one.is === 'event-type') ? [...new Set(types)] : null
}
