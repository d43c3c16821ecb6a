/** A worker of a bus: what it works on, and how its attempts are run. */
import { attemptsWith } from '../attempt/attempts.ts'
import type { ScheduleStore } from '../deliveries/schedules.ts'
import { withBackfill } from '../handlers/handler.ts'
import type { BusParts } from '../publishing/backend-override.ts'
import { slotsOfQueues } from './handler-slots.ts'
import { pacedAttempts } from './paced-attempts.ts'
import { queuesToWork } from './queues-to-work.ts'
import type { SchedulingParts } from './scheduling.ts'
import type { SlotsOfTenants } from './shared-slots.ts'
import { transactionalIn } from './transactional-handlers.ts'
import type { WorkerParts } from './worker-parts.ts'
import { Worker } from './worker.ts'

/** The options that were chosen for this worker. */
interface Chosen extends Pick<WorkerParts, 'shutdownGraceMs' | 'pollMs'> {
  readonly queues?: Readonly<Record<string, number>> | undefined
  /** Set if this worker is for one tenant, and other workers of the process are for other tenants. */
  readonly tenants?: SlotsOfTenants | undefined
}

/** Returns `null` for a bus without schedules. */
export function schedulingOf(
  store: ScheduleStore | null,
  parts: Omit<SchedulingParts, 'store'>,
): SchedulingParts | null {
  return store && parts.schedules.length > 0 ? { ...parts, store } : null
}

export function makeWorker(
  { queues, tenants, shutdownGraceMs, pollMs }: Chosen,
  bus: BusParts,
  stored: Pick<WorkerParts, 'store' | 'retentionMs' | 'vacuum' | 'engine' | 'scheduling' | 'http'>,
): Worker {
  return new Worker({
    ...stored,
    shutdownGraceMs,
    pollMs,
    emit: bus.emit,
    async plan() {
      const registry = await bus.registry.load()
      const attempts = attemptsWith({
        registry,
        codec: bus.codec,
        emit: bus.emit,
        publish: bus.publish,
        middleware: bus.middleware,
        payloadOf: (event) => stored.store.payloadOf(event),
        deliveriesOf: (event) => stored.store.deliveriesOf(event),
        supersede: (delivery) => stored.store.supersede(delivery),
        transaction: bus.transaction,
        completions: stored.store.completions,
      })
      const pace = { handlers: registry.handlers, store: stored.store.pace, emit: bus.emit }
      const { attempt, pacer } = pacedAttempts(attempts.attempt, pace)
      const wanted = queuesToWork(registry.queues, queues)
      const most = (slots: number) => tenants?.mostOfOne(slots) ?? slots
      return {
        queues: new Map([...wanted].map(([queue, slots]) => [queue, most(slots)])),
        sharedSlotsOf: (queue) => tenants?.of(queue, wanted.get(queue) ?? 1),
        slotsOf: slotsOfQueues(registry.handlers, pacer),
        handlers: registry.handlers.map((handler) => handler.name),
        limitsOf: (handler) => registry.handlerNamed(handler)?.options ?? { timeoutMs: 0, maxAttempts: Infinity },
        shadows: registry.shadows,
        transactional: transactionalIn(registry, bus.transaction),
        ...attempts,
        attempt,
        log: { registry, codec: bus.codec },
        backfills: withBackfill(registry.handlers).map((handler) => ({ handler, registry, codec: bus.codec })),
      }
    },
  })
}
