/** Matches the moment at which each event was about to be committed with the moment at which its handler started. */
import { setTimeout as delay } from 'node:timers/promises'
import { machineTime } from './clock.ts'
import type { Workers } from './workers.ts'

/** An event that has not been handled after this time counts as lost. */
const PATIENCE_MS = 20_000

export class Stopwatch {
  private readonly workers: Workers
  private readonly handlers: number
  private readonly committing = new Map<number, number>()
  private handled = 0

  /** `handlers` is how many handlers start for each event. */
  constructor(workers: Workers, handlers = 1) {
    this.workers = workers
    this.handlers = handlers
  }

  /** Call this right before the commit of the event at this place is sent. */
  start(place: number): void {
    this.committing.set(place, machineTime())
  }

  /** The milliseconds from `start` to the start of each handler, for all handler starts reported since the last call. */
  takeLatencies(): readonly number[] {
    return this.workers.handled().flatMap(([place, at]) => {
      const since = this.committing.get(place)
      if (since === undefined) return []
      this.handled += 1
      return at - since
    })
  }

  /** Waits until every event has reached all of its handlers. Returns the latencies that were not taken yet. */
  async finish(): Promise<readonly number[]> {
    const until = performance.now() + PATIENCE_MS
    const latencies = [...this.takeLatencies()]
    while (this.handled < this.committing.size * this.handlers) {
      if (performance.now() > until) throw new Error(`Only ${this.handled} handlers started.`)
      await Promise.race([delay(5), this.workers.death])
      latencies.push(...this.takeLatencies())
    }
    return latencies
  }
}

/** The most calls that run at once. A machine that cannot keep up gets fewer calls, instead of an ever longer queue. */
const MOST_AT_ONCE = 100

/** Calls `work` at a steady rate, whether or not earlier calls have ended, and waits for all of them. Returns the rate reached. */
export async function steadily(
  { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number },
  work: (place: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined) // the code that awaits it gets the error
  const running = new Set<Promise<unknown>>()
  const begin = (place: number) => {
    const call: Promise<unknown> = work(place).then(() => running.delete(call), failed.reject)
    running.add(call)
  }
  let place = 0
  for (; performance.now() < startedAt + forMs; await Promise.race([delay(1), failed.promise])) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000)
    for (; place < due && running.size < MOST_AT_ONCE; place += 1) begin(place)
  }
  const perSecondReached = (1_000 * place) / (performance.now() - startedAt)
  await Promise.race([Promise.all(running), failed.promise])
  return perSecondReached
}
