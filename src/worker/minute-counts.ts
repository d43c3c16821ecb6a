/** Counts what became of attempts, by handler, and hands that over every ten seconds: see `deliveries/rates.ts`. */
import { replayOf } from '../attempt/open-envelope.ts'
import { realNowMs, sleep } from '../clock.ts'
import { addTo } from '../deliveries/histogram.ts'
import type { DeliveryStore, HandlerCounts } from '../deliveries/delivery-store.ts'
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import type { RateCounts } from '../deliveries/rates.ts'
import type { Outcome } from '../handlers/outcome.ts'

const EVERY_MS = 10_000

/** What becomes of an attempt that calls no handler. */
const WITHOUT_HANDLER: readonly string[] = ['expired', 'superseded', 'put-back']

type Mutable<Counts> = {
  -readonly [Key in keyof Counts]: Counts[Key] extends readonly number[] ? number[] : Counts[Key]
}

export class MinuteCounts {
  #handlers = new Map<string, Mutable<HandlerCounts>>()

  /** `tookMs`: how long the attempt took; `null` where that is not known any more. */
  count(delivery: ClaimedDelivery, of: Outcome | Settlement, tookMs: number | null): void {
    const kind = kindOf(of)
    if (kind === null) return
    const counts = this.#of(delivery.handler)
    counts[kind] += 1
    if (tookMs !== null && !WITHOUT_HANDLER.includes(of.is)) addTo(counts.runMs, tookMs)
    if (of.is === 'done') addLatency(counts.latencyMs, delivery)
  }

  /** What was counted since the last time. */
  take(): readonly HandlerCounts[] {
    const taken = [...this.#handlers.values()]
    this.#handlers = new Map()
    return taken
  }

  #of(handler: string): Mutable<HandlerCounts> {
    const counted = this.#handlers.get(handler)
    if (counted) return counted
    const none = { done: 0, skipped: 0, expired: 0, failed: 0, dead: 0, snoozed: 0 }
    const counts = { handler, ...none, runMs: [], latencyMs: [] }
    this.#handlers.set(handler, counts)
    return counts
  }
}

/** Adds the time from the event until now. Replays do not count: they were requested later. */
function addLatency(latencyMs: number[], { event }: ClaimedDelivery): void {
  if (event === null || (event.rest?.includes('"replay"') && replayOf(event) !== null)) return
  addTo(latencyMs, realNowMs() - event.occurredAt.getTime())
}

/** Returns what the outcome counts as; `null` for a cancelled or superseded delivery, which says nothing about its handler. */
function kindOf(of: Outcome | Settlement): keyof RateCounts | null {
  switch (of.is) {
    case 'passed':
      return of.as === 'cancelled' || of.as === 'superseded' ? null : of.as
    case 'cancelled':
    case 'superseded':
      return null
    case 'awaiting':
      return 'done'
    case 'retry':
      return 'failed'
    case 'put-back':
    case 'later':
      return 'snoozed'
    case 'done':
    case 'skipped':
    case 'expired':
    case 'dead':
    case 'snoozed':
      return of.is
  }
}

/** Hands counts over until `over` is aborted, and then the rest. Counts that could not be handed over are lost: they are not worth a retry. */
export async function keepCounted(
  store: Pick<DeliveryStore, 'count'>,
  counts: MinuteCounts,
  over: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(EVERY_MS, over)
    const taken = counts.take()
    if (taken.length > 0) await store.count(taken).catch(() => undefined)
    if (over.aborted) return
  }
}
