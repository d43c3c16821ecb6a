/**
 * Runs the due deliveries with the dispatchers of a worker, several handlers at once. A worker continues when the database
 * does not respond, but a test must fail. So here the first failure stops everything, and is thrown.
 */
import type { DeliveryStore } from '../../deliveries/delivery-store.ts'
import type { Attempts } from '../../attempt/attempts.ts'
import type { Emit } from '../../signals.ts'
import type { HandlerSlots } from '../../worker/handler-slots.ts'
import { Batches } from '../../worker/batches/batches.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import type { Outcome } from '../../handlers/outcome.ts'
import { Dispatcher } from '../../worker/dispatcher.ts'
import { Tally, type WorkerCounts } from '../../worker/tally.ts'
import type { Endlessness } from './endlessness.ts'

/** Only this process makes deliveries due, so there is nothing to poll for. */
const NO_POLL_MS = 60_000

export interface DueRunParts extends Attempts {
  readonly store: DeliveryStore
  /** Queue → how many handlers may run at once. */
  readonly queues: ReadonlyMap<string, number>
  /** How many attempts of each limited handler may run at once. */
  slotsOf(queue: string): HandlerSlots
  readonly emit: Emit
  readonly endlessness: Endlessness
  goesAlone(handler: string): boolean
}

export function dueRun(parts: DueRunParts) {
  const tally = new Tally()
  const failures: unknown[] = []

  const fail = (error: unknown) => {
    failures.push(error)
    for (const dispatcher of dispatchers) dispatcher.stopClaiming()
  }
  const checked = (delivery: ClaimedDelivery, outcome: Outcome): Outcome => {
    try {
      parts.endlessness.check(delivery, outcome)
    } catch (error) {
      fail(error)
    }
    return outcome
  }
  const batches = new Batches({
    ...parts.batchAttempts,
    async run(...call) {
      const outcomeOf = await parts.batchAttempts.run(...call)
      return async (delivery) => checked(delivery, await outcomeOf(delivery))
    },
  })
  const dispatchers = [...parts.queues].map(
    ([queue, concurrency]) =>
      new Dispatcher({
        queue,
        concurrency,
        handlerSlots: parts.slotsOf(queue),
        pollMs: NO_POLL_MS,
        emit: parts.emit,
        goesAlone: (handler) => parts.goesAlone(handler),
        tally,
        store: failingFast(parts.store, (error) => {
          fail(error)
          for (const dispatcher of dispatchers) dispatcher.giveUp()
        }),
        batches,
        attempt: async (delivery, abort) => checked(delivery, await parts.attempt(delivery, abort)),
      }),
  )

  return {
    counts: (): WorkerCounts => tally.counts(),
    async run(): Promise<void> {
      // A handler can publish to a queue that was already found empty, so this repeats until a whole round finds nothing.
      for (let found = 1; found > 0 && failures.length === 0;) {
        const claimed = await Promise.all(dispatchers.map((dispatcher) => dispatcher.drain()))
        found = claimed.reduce((sum, count) => sum + count, 0)
      }
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.idle()))
      if (failures.length > 0) throw failures[0]
    },
  }
}

function failingFast(store: DeliveryStore, onFailure: (error: unknown) => void): DeliveryStore {
  const reporting = <Result>(answer: Promise<Result>) =>
    answer.catch((error: unknown) => {
      onFailure(error)
      throw error
    })
  return {
    ...store,
    claim: (queue, limit, bounds) => reporting(store.claim(queue, limit, bounds)),
    settle: (queue, settlements) => reporting(store.settle(queue, settlements)),
  }
}
