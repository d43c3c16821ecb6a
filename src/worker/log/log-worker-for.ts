/** Makes the part of a worker that serves handlers which read the log; `null` if there are none. */
import { setTimeout } from '../../clock.ts'
import type { DeliveryStore } from '../../deliveries/delivery-store.ts'
import type { LogStore, LogSubscription } from '../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import { isFinisher } from '../../handlers/finishers.ts'
import { isLogHandler } from '../../handlers/log-delivery.ts'
import type { Registry } from '../../handlers/registry.ts'
import { runsInPublish } from '../../handlers/transactional.ts'
import { partitionedQueue } from '../../names.ts'
import type { Emit } from '../../signals.ts'
import type { WorkPlan } from '../work-plan.ts'
import type { WorkerParts } from '../worker-parts.ts'
import { LogHandling } from './log-handling.ts'
import { LogWorker, type LogWorkerParts } from './log-worker.ts'

interface Parts extends Pick<WorkerParts, 'emit' | 'pollMs' | 'engine'>, Pick<LogWorkerParts, 'tally'> {
  readonly store: Pick<DeliveryStore, 'log' | 'relays'>
  wake(queue: string): void
}

/** Also creates the cursors of new handlers. */
export async function logWorkerFor(plan: WorkPlan, parts: Parts): Promise<LogWorker | null> {
  const { store, engine, emit, pollMs, tally, wake } = parts
  const handlings = await handlingsOf(plan, { store: store.log, emit })
  if (handlings.length === 0) return null
  const engineParts = { ...store, emit, pollMs, tenant: engine?.tenant ?? null }
  return new LogWorker({
    store: store.log,
    emit,
    pollMs,
    tally,
    attempt: plan.attempt,
    batchAttempts: plan.batchAttempts,
    handlings,
    engine: (onProgress) => engine?.of.open({ ...engineParts, onProgress }) ?? null,
    types: typesOf(
      plan.log.registry,
      handlings.map(({ handler }) => handler),
    ),
    // Nothing announces that a short wait is over, and the poll would make it a long one.
    wakeAfter(queue, delayMs) {
      if (delayMs < pollMs) setTimeout(() => wake(queue), delayMs + 1).unref()
    },
  })
}

/** Returns the handlers that read the log, or are changing to or from it, if this worker works on their queues: failed events go there. */
async function handlingsOf(
  { log, queues, slotsOf }: WorkPlan,
  { store, emit }: { readonly store: LogStore; readonly emit: Emit },
): Promise<readonly LogHandling[]> {
  const handlers = log.registry.handlers.filter(
    (handler) => !runsInPublish(handler) && !isFinisher(handler) && concurrencyOf(queues, handler) > 0,
  )
  const subscriptions = await store.prepare(handlers)
  return handlers.flatMap((handler, place) => {
    const subscription = subscriptions[place]
    if (!subscription) return []
    sayIfOther(handler, subscription, emit)
    const slots = slotsOf(handler.options.queue)
    return [
      new LogHandling({ handler, subscription, slots, concurrency: concurrencyOf(queues, handler) }, { ...log, emit }),
    ]
  })
}

function sayIfOther(handler: AnyHandler, { mode, isChanging }: LogSubscription, emit: Emit): void {
  const { name, options } = handler
  if (isChanging || (mode === 'log') === isLogHandler(handler)) return
  const has = mode === 'log' ? 'reads the log' : 'has deliveries'
  emit(
    'warn',
    'delivery.differs',
    `Handler "${name}" ${has} in this database, but its definition says \`delivery: '${options.delivery}'\`. The worker follows the database. ` +
      'If this code is the newest, run: npx postbus migrate',
    { handler: name },
  )
}

/** As many attempts may run at once as the queue has slots. */
function concurrencyOf(queues: WorkPlan['queues'], { options: { queue } }: AnyHandler): number {
  return Math.max(queues.get(queue) ?? 0, queues.get(partitionedQueue(queue)) ?? 0)
}

/** Returns the event types that the handlers listen to, by all names that may be stored; `null` if one listens to a pattern. */
export function typesOf({ names }: Registry, handlers: readonly AnyHandler[]): readonly string[] | null {
  const subscriptions = handlers.flatMap((handler) => handler.subscriptions)
  const types = subscriptions.flatMap((one) => (one.is === 'event-type' ? names.eventTypes.all(one.type) : []))
  return subscriptions.every((one) => one.is === 'event-type') ? [...new Set(types)] : null
}
