/** Makes the dispatchers of one worker, one for each queue. A delivery that must run alone is alone in all of them. */
import { baseQueue } from '../names.ts'
import { Alone } from './alone.ts'
import { Batches } from './batches/batches.ts'
import { Dispatcher } from './dispatcher.ts'
import type { DispatcherParts } from './dispatcher-parts.ts'
import type { WorkPlan } from './work-plan.ts'

export function dispatchersFor(
  { queues, handlers, slotsOf, sharedSlotsOf, limitsOf, attempt, batchAttempts, transactional }: WorkPlan,
  parts: Pick<DispatcherParts, 'store' | 'pollMs' | 'emit' | 'tally'>,
): readonly Dispatcher[] {
  const alone = new Alone({
    maxAttempts: (handler) => limitsOf(handler).maxAttempts,
    quiet: async () => void (await Promise.all(dispatchers.map((dispatcher) => dispatcher.quiet()))),
    goOn: () => dispatchers.forEach((dispatcher) => dispatcher.wake()),
  })
  const batches = new Batches(batchAttempts)
  // If a process dies, all that it has claimed uses up an attempt, also what had not begun.
  const haveSecondAttempts = (queue: string) =>
    handlers.map(limitsOf).every((limits) => limits.maxAttempts > 1 || limits.queue !== baseQueue(queue))
  const dispatchers = [...queues].map(
    ([queue, concurrency]) =>
      new Dispatcher({
        ...parts,
        queue,
        concurrency,
        sharedSlots: sharedSlotsOf?.(queue),
        handlerSlots: slotsOf(queue),
        claimsAhead: haveSecondAttempts(queue),
        alone,
        batches,
        attempt,
        goesAlone: (handler) => transactional.includes(handler) || limitsOf(handler).coalesce !== undefined,
      }),
  )
  return dispatchers
}
