/**
 * Settles a queue's finished attempts in groups. A group holds what finished in one turn of the event loop, and what had to
 * wait because two groups were on their way. Two, so that the database works on one while we work on what the
 * other has brought. A finished attempt is not forgotten when the database is away: it is tried until it is settled or the
 * worker is gone.
 */
import { setImmediate } from '../clock.ts'
import { NOTHING_SETTLED, type ClaimedDelivery, type Settled, type Settlement } from '../deliveries/delivery.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import { retryDelays } from './retry-delays.ts'

const MAX_GROUP = 500
const MAX_IN_FLIGHT = 2
/** Fewer are not worth a second round trip. */
const MIN_SPLIT = 20

export interface SettlerParts {
  readonly store: Pick<DeliveryStore, 'settle'>
  readonly queue: string
  /** Something has become due that was not handed out. */
  onMore(): void
  /** The database did not answer; it is tried again. */
  onError(error: unknown): void
  /** The database refuses this settlement for good. */
  onRefused(settlement: Settlement, error: unknown): void
}

/** What became of one attempt: whether its claim was still ours, and the next of its lane, if that was claimed for us. */
export interface SettledAttempt {
  readonly wasOurs: boolean
  readonly next: ClaimedDelivery | null
  /** More of its run, which goes on. */
  readonly behind: readonly ClaimedDelivery[]
  /** Its run must not go on after what runs now. */
  readonly isCut: boolean
}

interface Waiting {
  readonly settlement: Settlement
  readonly onSettled: (settled: SettledAttempt) => void
}

export class Settler {
  readonly #store: Pick<DeliveryStore, 'settle'>
  readonly #queue: string
  readonly #onMore: SettlerParts['onMore']
  readonly #onError: SettlerParts['onError']
  readonly #onRefused: SettlerParts['onRefused']
  readonly #givenUp = new AbortController()
  #waiting: Waiting[] = []
  #isScheduled = false
  readonly #inFlight = new Set<Promise<void>>()

  constructor({ store, queue, onMore, onError, onRefused }: SettlerParts) {
    this.#store = store
    this.#queue = queue
    this.#onMore = onMore
    this.#onError = onError
    this.#onRefused = onRefused
  }

  /** Calls `onSettled` once, when the attempt is settled or given up. */
  hand(settlement: Settlement, onSettled: (settled: SettledAttempt) => void): void {
    this.#waiting.push({ settlement, onSettled })
    this.#schedule()
  }

  /** Resolves when the attempt is settled or given up. Never rejects. */
  settle(settlement: Settlement): Promise<SettledAttempt> {
    return new Promise((resolve) => this.hand(settlement, resolve))
  }

  /** Resolves when everything handed in so far is settled, or given up. */
  async empty(): Promise<void> {
    this.#sendWaiting()
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight)
  }

  /** Stops trying. What is not settled by now is left for recovery to find. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  /** Not at once: others that finish in this turn go along. */
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
    const { ours, next, behind, cut, more } = await this.#settleGroup(group.map((one) => one.settlement))
    for (const { settlement, onSettled } of group) {
      const { id } = settlement.delivery
      onSettled({
        wasOurs: ours.has(id),
        next: next.get(id) ?? null,
        behind: behind.get(id) ?? [],
        isCut: cut.has(id),
      })
    }
    if (more) this.#onMore()
  }

  async #settleGroup(settlements: readonly Settlement[]): Promise<Settled> {
    const delays = retryDelays(this.#givenUp.signal)
    while (!this.#givenUp.signal.aborted) {
      try {
        return await this.#store.settle(this.#queue, settlements)
      } catch (error) {
        if (isRefusal(error)) return this.#settleEach(settlements, error)
        this.#onError(error)
        await delays.next()
      }
    }
    return NOTHING_SETTLED
  }

  /** The database refuses something in the group: the others must not suffer for it. What is refused is left for recovery. */
  async #settleEach(settlements: readonly Settlement[], refusal: unknown): Promise<Settled> {
    const [only, ...others] = settlements
    if (!only) return NOTHING_SETTLED
    if (others.length === 0) {
      this.#onRefused(only, refusal)
      return NOTHING_SETTLED
    }
    const each: Settled[] = []
    for (const settlement of settlements) each.push(await this.#settleGroup([settlement]))
    return {
      ours: new Set(each.flatMap(({ ours }) => [...ours])),
      next: new Map(each.flatMap(({ next }) => [...next])),
      behind: new Map(each.flatMap(({ behind }) => [...behind])),
      cut: new Set(each.flatMap(({ cut }) => [...cut])),
      more: each.some(({ more }) => more),
    }
  }
}

/** SQLSTATE classes 22 and 23: the values themselves cannot be stored, however often it is tried. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23][0-9A-Z]{3}$/.test(String(error.code))
}
