/** Matches the moment at which each event was about to be committed with the moment at which its handler started. */
import { setTimeout as delay } from 'node:timers/promises'
import { machineTime } from './clock.ts'
import type { Workers } from './workers.ts'

/** An event that has not been handled after this time is not coming. */
const PATIENCE_MS = 20_000

export class Stopwatch {
  private readonly workers: Workers
  private readonly handlers: number
  private readonly committing = new Map<number, number>()
  private handled = 0

  /** `handlers`: how many start for each event. */
  constructor(workers: Workers, handlers = 1) {
    this.workers = workers
    this.handlers = handlers
  }

  /** To be called right before the commit of the event at this place is sent. */
  start(place: number): void {
    this.committing.set(place, machineTime())
  }

  /** Milliseconds from there to the start of each handler, of all that were told since the last time. */
  takeLatencies(): readonly number[] {
    return this.workers.handled().flatMap(([place, at]) => {
      const since = this.committing.get(place)
      if (since === undefined) return []
      this.handled += 1
      return at - since
    })
  }

  /** Waits until every event has reached all of its handlers. Answers the latencies that were not taken yet. */
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

/** Calls `work` at a steady rate, whether or not earlier calls have ended, and waits for all of them. */
export async function steadily(
  { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number },
  work: (place: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now()
  const total = Math.round((perSecond * forMs) / 1_000)
  const running: Promise<unknown>[] = []
  for (let place = 0; place < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000))
    for (; place < due; place += 1) running.push(noticed(work(place)))
    await delay(1)
  }
  await Promise.all(running)
}

/** What fails is reported by whoever waits for all of them, later. */
function noticed<Result>(work: Promise<Result>): Promise<Result> {
  work.catch(() => undefined)
  return work
}
