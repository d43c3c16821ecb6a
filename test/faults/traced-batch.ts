/** A batch handler of the fault tests: keys run side by side, the events of a key one after the other, and all are in the trace. */
import { setTimeout as delay } from 'node:timers/promises'
import { defineBatchHandler, failed, type AnyHandler, type BatchContext, type EventOf } from '../../src/index.ts'
import type { TraceWriter } from '../support/trace.ts'
import { TaskAdded, tracedHandler, type TracedHandler } from './tasks.ts'

type Added = EventOf<typeof TaskAdded>

/** Returns a batch handler if there is a `batchSize`, else a handler of single events. */
export function tracedHandlerOf(handler: TracedHandler, write: TraceWriter): AnyHandler {
  const { batchSize, ...single } = handler
  return batchSize === undefined ? tracedHandler(single, write) : tracedBatchHandler(handler, write)
}

function tracedBatchHandler(
  { name, maxAttempts, batchSize, retryMs = 50 }: TracedHandler,
  write: TraceWriter,
): AnyHandler {
  return defineBatchHandler(name, {
    on: TaskAdded,
    maxWaitMs: 20,
    batchSize,
    ...(maxAttempts !== undefined && { maxAttempts }),
    backoff: { initialMs: retryMs, factor: 1, jitter: 0 },
    interested: (event) => event.data.for === name || event.data.for === '*',
    async handle(events, context) {
      const byKey = Map.groupBy(events, (event) => event.partitionKey ?? event.id)
      await Promise.all(Array.from(byKey.values(), (ofKey) => inOrder(ofKey, context)))
    },
  })

  /** Stops at an event that fails: the events behind it wait for their next batch. */
  async function inOrder(events: readonly Added[], context: BatchContext<Added>): Promise<void> {
    for (const event of events) {
      const { attempt } = context.deliveryOf(event)
      const who = { handler: name, eventId: event.id, key: event.partitionKey, attempt }
      await write({ ...who, step: 'start', reason: null })
      const { ms, laterMs = ms } = event.data
      await delay(attempt === 1 ? ms : laterMs)
      const hasFailed = attempt <= event.data.failures
      await write({ ...who, step: hasFailed ? 'fail' : 'end', reason: null })
      if (!hasFailed) continue
      context.outcomes.set(event, failed(`attempt ${attempt} fails`))
      return
    }
  }
}
