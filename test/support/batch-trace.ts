/** A batch handler that leaves a trace of each event, for checks of order. Events with the text `fails first` fail in their first attempt. */
import { failed } from '../../src/index.ts'
import { batched, type Batched, type BatchOptions, type Note } from './batches.ts'
import type { TraceEntry } from './trace.ts'

/** Handles keys side by side, and the events of each key one after the other, until one fails. */
export function tracing(pid: number, trace: TraceEntry[], options: BatchOptions): Batched {
  return batched(
    async (events, { outcomes, deliveryOf }) => {
      const byKey = Map.groupBy(events, ({ data }) => data.key)
      await Promise.all(
        Array.from(byKey.values(), async (ofKey) => {
          for (const event of ofKey) {
            const { attempt } = deliveryOf(event)
            const fails = event.data.text === 'fails first' && attempt === 1
            await traced(event, { pid, attempt, fails })
            if (fails) return outcomes.set(event, failed('once more'))
          }
        }),
      )
    },
    { maxWaitMs: 10, ...options },
  )

  async function traced(
    event: Note,
    { fails, ...who }: { pid: number; attempt: number; fails: boolean },
  ): Promise<void> {
    const entry = { handler: 'notes.store', eventId: event.id, key: event.data.key, reason: null, ...who }
    trace.push({ ...entry, step: 'start', at: performance.now() })
    await new Promise((resolve) => setImmediate(resolve))
    trace.push({ ...entry, step: fails ? 'fail' : 'end', at: performance.now() })
  }
}
