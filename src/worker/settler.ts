/**
 * Settles a queue's finished attempts in groups. A group holds the attempts that finished in one turn of the event loop, and attempts
 * that had to wait because two groups were under way. There are two, so that the database works on one while we handle the answer to the
 * other. An unreachable database loses no finished attempt: each is tried until it is settled or the worker stops. Outcomes that the
 * server refuses are tried apart (`refused-settlements.ts`), so that the others are settled.
 */
import { setImmediate } from '../clock.ts'
import { NOTHING_SETTLED, type ClaimedDelivery, type Settled, type Settlement } from '../deliveries/delivery.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import { isRefusal } from './refusal.ts'
import { RefusedSettlements, type Refused } from './refused-settlements.ts'
import { retryDelays } from './retry-delays.ts'
import type { SettledAttempt } from './settled-attempt.ts'
import { splitSettle } from './split-settle.ts'

const MAX_GROUP = 500
const MAX_IN_FLIGHT = 2
/** Fewer are not worth a second round trip. */
const MIN_SPLIT = 20

export interface SettlerParts {
  readonly store: Pick<DeliveryStore, 'settle'>
  readonly queue: string
  /** Called when a delivery has become due that was not handed out. */
  onMore(): void
  /** The database did not answer; it is tried again. */
  onError(error: unknown): void
  /** Called with all outcomes that the database refuses by now. They are tried again. Empty: all of them are stored. */
  onRefused(refused: readonly Refused[]): void
  /** What was refused is stored now. */
  onStored(settlement: Settlement): void
}

interface Waiting {
  readonly settlement: Settlement
  readonly onSettled: (settled: SettledAttempt) => void
}

export class Settler {
  readonly #parts: SettlerParts
  readonly #givenUp = new AbortController()
  readonly #refused: RefusedSettlements
  #waiting: Waiting[] = []
  #isScheduled = false
  readonly #inFlight = new Set<Promise<void>>()

  constructor(parts: SettlerParts) {
    this.#parts = parts
    this.#refused = new RefusedSettlements(
      {
        settle: (group) => this.#settlePatiently(group),
        onChange: (refused) => parts.onRefused(refused),
        onStored: (settlement) => parts.onStored(settlement),
        onMore: () => parts.onMore(),
      },
      this.#givenUp.signal,
    )
  }

  /** The deliveries whose outcomes are refused, and that no longer have a slot: their claims must be kept too. */
  get refused(): readonly ClaimedDelivery[] {
    return this.#refused.deliveries
  }

  /** Calls `onSettled` once, when the attempt is settled, refused or given up. */
  hand(settlement: Settlement, onSettled: (settled: SettledAttempt) => void): void {
    this.#waiting.push({ settlement, onSettled })
    this.#schedule()
  }

  /** Resolves when the attempt is settled, refused or given up. Never rejects. */
  settle(settlement: Settlement): Promise<SettledAttempt> {
    return new Promise((resolve) => this.hand(settlement, resolve))
  }

  /** Resolves when everything handed in so far is settled, refused, or given up. */
  async empty(): Promise<void> {
    this.#sendWaiting()
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight)
  }

  /** Tries once more what is refused. */
  async tryRefused(): Promise<void> {
    await this.#refused.tryOnce()
  }

  /** Stops trying. What is not settled by now is left for recovery to find. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  /** Sends soon, but not at once: other attempts that finish in this turn of the event loop go along. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#sendWaiting()
    })
  }

  #sendWaiting(): void {
    while (this.#waiting.length > 0 && this.#inFlight.size < MAX_IN_FLIGHT) {
      const share = Math.ceil(this.#waiting.length / (MAX_IN_FLIGHT - this.#inFlight.size))
      const group = this.#waiting.splice(0, Math.min(MAX_GROUP, Math.max(MIN_SPLIT, share)))
      const flight = this.#send(group).finally(() => {
        this.#inFlight.delete(flight)
        this.#sendWaiting()
      })
      this.#inFlight.add(flight)
    }
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const settlements = group.map((one) => one.settlement)
    const { ours, next, behind, cut, more, refused } = await splitSettle(settlements, (part) =>
      this.#settlePatiently(part),
    )
    for (const { settlement, onSettled } of group) {
      const { id } = settlement.delivery
      if (refused.has(settlement)) this.#refused.take(settlement, refused.get(settlement), onSettled)
      else
        onSettled({
          wasOurs: ours.has(id),
          next: next.get(id) ?? null,
          behind: behind.get(id) ?? [],
          isCut: cut.has(id),
          isRefused: false,
        })
    }
    if (refused.size > 0) this.#refused.report()
    if (more) this.#parts.onMore()
  }

  /** Tries until the server has answered, even if it refuses. */
  async #settlePatiently(settlements: readonly Settlement[]): Promise<Settled> {
    const { store, queue, onError } = this.#parts
    const delays = retryDelays(this.#givenUp.signal)
    while (!this.#givenUp.signal.aborted) {
      try {
        return await store.settle(queue, settlements)
      } catch (error) {
        if (isRefusal(error)) throw error
        onError(error)
        await delays.next()
      }
    }
    return NOTHING_SETTLED
  }
}
