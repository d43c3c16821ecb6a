/**
 * Lets attempts of handlers with a `rateLimit` begin one after the other, at the times that the database grants to all processes.
 *
 *   claimed ──► waits here ──► one request asks for the times of all that wait ──► its time ──► begins
 *
 * Few attempts wait at once: as many as may begin within 100 ms, so that other handlers of the queue find slots. An attempt that would
 * have to wait for longer goes back, and no more deliveries of its handler are claimed until shortly before the next time.
 */
import { performance, setTimeout } from '../clock.ts'
import type { PaceStore } from '../deliveries/pace.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { retryDelays } from './retry-delays.ts'

/** Attempts begin this many times further apart than the limit demands: a timer that is a little late must not let one too many begin. */
const SLACK = 1.02
/** Timers are not more exact than this. */
const LEAST_LATE_MS = 5
/** After this many missed times an attempt begins in any case: the machine may always be late. */
const MOST_MISSED = 3
/** As many attempts wait in a process as may begin within this time, but at least one. */
const AHEAD_MS = 100
/** No time further ahead than this is granted. */
const HORIZON_MS = 1_000
/** Deliveries may be claimed again this long before the next time. */
const BEFORE_MS = 100

interface Waiter {
  begin(): void
  /** Sends the delivery back, to come again after this delay. */
  putOff(delayMs: number): void
  isGone: boolean
  /** How many of its times have passed without it beginning. */
  missed: number
}

interface Lane {
  readonly everyMs: number
  /** How many attempts may wait. */
  readonly most: number
  readonly asking: Waiter[]
  /** How many attempts wait in all, including attempts whose time is known. */
  waiting: number
  isAsking: boolean
  /** `performance.now()` at which the last planned attempt begins. */
  planned: number
  /** An attempt that is later than planned by more than this asks for another time. */
  readonly lateMs: number
  /** `performance.now()` until which no delivery need be claimed. */
  closedUntil: number
}

export class Pacer {
  readonly #store: Pick<PaceStore, 'grant'>
  readonly #lanes: ReadonlyMap<string, Lane>
  readonly #listeners: ((handler: string) => void)[] = []

  constructor(handlers: readonly AnyHandler[], store: Pick<PaceStore, 'grant'>) {
    this.#store = store
    this.#lanes = new Map(handlers.flatMap((handler) => laneOf(handler)))
  }

  isPaced(handler: string): boolean {
    return this.#lanes.has(handler)
  }

  /** How many more of a handler may be claimed now; `null`: it is not limited. */
  room(handler: string): number | null {
    const lane = this.#lanes.get(handler)
    if (!lane) return null
    return performance.now() < lane.closedUntil ? 0 : Math.max(0, lane.most - lane.waiting)
  }

  /** Calls `listener` with a handler when another of its deliveries may be claimed. */
  onRoom(listener: (handler: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Resolves with 0 when an attempt may begin, or with the delay after which it must come back. An abort resolves it at once, with a delay. */
  turn(handler: string, signal: AbortSignal): Promise<number> {
    const lane = this.#lanes.get(handler)
    if (!lane) return Promise.resolve(0)
    const { promise, resolve } = Promise.withResolvers<number>()
    const leave = (delayMs: number) => {
      if (waiter.isGone) return
      waiter.isGone = true
      signal.removeEventListener('abort', aborted)
      lane.waiting -= 1
      resolve(delayMs)
      for (const listener of this.#listeners) listener(handler)
    }
    const aborted = () => leave(lane.everyMs)
    const waiter: Waiter = { begin: () => leave(0), putOff: leave, isGone: false, missed: 0 }
    lane.waiting += 1
    lane.asking.push(waiter)
    signal.addEventListener('abort', aborted)
    if (signal.aborted) aborted()
    void this.#ask(handler, lane)
    return promise
  }

  async #ask(handler: string, lane: Lane): Promise<void> {
    if (lane.isAsking) return
    lane.isAsking = true
    const delays = retryDelays(new AbortController().signal)
    await Promise.resolve() // the attempts of one claim ask together
    for (let asking = waitingIn(lane); asking.length > 0; asking = waitingIn(lane)) {
      try {
        const { everyMs } = lane
        const granted = await this.#store.grant({ handler, wanted: asking.length, everyMs, withinMs: HORIZON_MS })
        this.#plan(handler, lane, asking, granted)
      } catch {
        await delays.next() // claims report an unreachable database
      }
    }
    lane.isAsking = false
  }

  #plan(
    handler: string,
    lane: Lane,
    asking: readonly Waiter[],
    { count, firstMs, nextMs }: { readonly count: number; readonly firstMs: number; readonly nextMs: number },
  ): void {
    const now = performance.now()
    lane.asking.splice(0, lane.asking.length, ...lane.asking.filter((waiter) => !asking.includes(waiter)))
    for (const [place, waiter] of asking.entries()) {
      if (place >= count) {
        waiter.putOff(nextMs + (place - count) * lane.everyMs)
        continue
      }
      lane.planned = Math.max(now + firstMs + place * lane.everyMs, lane.planned + lane.everyMs)
      this.#beginAt(lane.planned, waiter, { handler, lane })
    }
    if (count === asking.length) return
    lane.closedUntil = now + Math.max(0, nextMs - BEFORE_MS)
    setTimeout(() => this.#listeners.forEach((listener) => listener(handler)), lane.closedUntil - now + 1).unref()
  }

  /** Begins a waiting attempt at its time. If the event loop stood still, the late attempts must not begin all at once. */
  #beginAt(at: number, waiter: Waiter, { handler, lane }: { readonly handler: string; readonly lane: Lane }): void {
    const due = () => {
      const isLate = performance.now() - at > lane.lateMs && waiter.missed < MOST_MISSED
      if (!isLate) return waiter.begin()
      waiter.missed += 1
      lane.asking.unshift(waiter)
      void this.#ask(handler, lane)
    }
    setTimeout(due, Math.ceil(at - performance.now()))
  }
}

/** Those that still wait. They stay in the list until they are planned. */
function waitingIn(lane: Lane): readonly Waiter[] {
  const still = lane.asking.filter(({ isGone }) => !isGone)
  lane.asking.splice(0, lane.asking.length, ...still)
  return still
}

function laneOf({ name, options: { rateLimit } }: AnyHandler): [string, Lane][] {
  if (!rateLimit) return []
  const everyMs = (SLACK * rateLimit.perMs) / rateLimit.limit
  const most = Math.max(1, Math.ceil(AHEAD_MS / everyMs))
  const lateMs = Math.max(LEAST_LATE_MS, (SLACK - 1) * rateLimit.perMs)
  const idle = { waiting: 0, isAsking: false, planned: -Infinity, closedUntil: -Infinity }
  return [[name, { everyMs, lateMs, most, asking: [], ...idle }]]
}
