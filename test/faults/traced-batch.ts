/** A batch handler of the fault tests: keys side by side, the events of each one after the other, all of them in the trace. */
import { setTimeout as delay } from 'node:timers/promises'
import { defineBatchHandler, failed, type AnyHandler, type BatchContext, type EventOf } from '../../src/index.ts'
import type { TraceWriter } from '../support/trace.ts'
import { TaskAdded, tracedHandler, type TracedHandler } from './tasks.ts'

type Added = EventOf<typeof TaskAdded>

/** A handler that takes batches, if it has a `batchSize`; else one like the others. */
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

  /** Behind one that fails the others wait, as their next batch will. */
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
