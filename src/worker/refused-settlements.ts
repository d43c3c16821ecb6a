/**
 * The outcomes of one queue that the server refuses to store: a trigger raises, a right is missing, the disk is full. Each gives back
 * its slot, and is tried again, apart from new outcomes, at growing intervals until it is stored or the worker stops. Its claim is
 * kept meanwhile: a delivery that has run must not run again because of a mistake that a person can repair.
 */
import { sleep } from '../clock.ts'
import type { ClaimedDelivery, Settled, Settlement } from '../deliveries/delivery.ts'
import { stateOf } from './refusal.ts'
import type { SettledAttempt } from './settled-attempt.ts'
import { splitSettle } from './split-settle.ts'

const FIRST_MS = 1_000
const LAST_MS = 30_000
/** Up to this many are all tried each time. Of more, one for each error is tried, and the others once one of these is stored. */
const FEW = 20
/** Beyond this number an outcome keeps its slot: outcomes that cannot be stored must not fill the memory. */
const MOST_WITHOUT_SLOT = 1_000

export interface RefusedParts {
  /** Settles a group, and tries again while errors are temporary. */
  settle(group: readonly Settlement[]): Promise<Settled>
  /** Called with what is refused now, after a change or another try. Empty: everything is stored. */
  onChange(refused: readonly Refused[]): void
  /** It was refused, and is stored now. */
  onStored(settlement: Settlement): void
  /** Called when storing one has made a delivery due. */
  onMore(): void
}

export interface Refused {
  readonly settlement: Settlement
  readonly error: unknown
}

interface Entry extends Refused {
  /** Frees the slot that it still has; `null`: its slot is free already. */
  readonly release: ((settled: SettledAttempt) => void) | null
}

/** Returns the delivery that has the claim: in a run, the first one. */
function claimedOf({ delivery, ran }: Settlement): ClaimedDelivery {
  return ran?.[0]?.delivery ?? delivery
}

const LEFT: SettledAttempt = { wasOurs: false, next: null, behind: [], isCut: false, isRefused: true }

export class RefusedSettlements {
  readonly #parts: RefusedParts
  readonly #over: AbortSignal
  readonly #entries = new Map<Settlement, Entry>()
  #isTrying = false
  #round: Promise<void> = Promise.resolve()

  constructor(parts: RefusedParts, over: AbortSignal) {
    this.#parts = parts
    this.#over = over
    over.addEventListener('abort', () => this.#leaveAll())
  }

  /** The claims of outcomes that have given back their slots: they must be kept alive from here. */
  get deliveries(): readonly ClaimedDelivery[] {
    return [...this.#entries.values()].flatMap(({ release, settlement }) => (release ? [] : [claimedOf(settlement)]))
  }

  /** Takes over an outcome that was refused. `release` frees its slot. */
  take(settlement: Settlement, error: unknown, release: (settled: SettledAttempt) => void): void {
    const hasRoom = this.#entries.size < MOST_WITHOUT_SLOT
    // When it is stored, a worker that has a slot must take the lane, and the delivery to which the claim was to move.
    const alone: Settlement = { ...settlement, takeNext: false, movesTo: undefined, more: undefined }
    this.#entries.set(alone, { settlement: alone, error, release: hasRoom ? null : release })
    if (hasRoom) release(LEFT)
    if (!this.#isTrying) void this.#keepTrying()
  }

  /** Reports what is refused now. Call it after `take`. */
  report(): void {
    this.#parts.onChange([...this.#entries.values()])
  }

  /** Tries all of them once more. */
  async tryOnce(): Promise<void> {
    await this.#round
    await this.#try([...this.#entries.keys()])
  }

  async #keepTrying(): Promise<void> {
    this.#isTrying = true
    let delayMs = FIRST_MS
    for (; this.#entries.size > 0; delayMs = Math.min(2 * delayMs, LAST_MS)) {
      await sleep(delayMs * (0.75 + Math.random() / 2), this.#over)
      if (this.#over.aborted) return
      this.#round = this.#tryAgain()
      await this.#round
    }
    this.#isTrying = false
  }

  async #tryAgain(): Promise<void> {
    const all = [...this.#entries.keys()]
    const tried = all.length <= FEW ? all : this.#firstOfEach()
    const stored = await this.#try(tried)
    if (stored > 0 && tried.length < all.length) await this.#try([...this.#entries.keys()])
  }

  /** Picks one for each error. They go to the end of the list, so that others have their turn next time. */
  #firstOfEach(): readonly Settlement[] {
    const byState = new Map<string | null, Entry>()
    for (const entry of this.#entries.values()) {
      const state = stateOf(entry.error)
      if (!byState.has(state)) byState.set(state, entry)
    }
    for (const entry of byState.values()) {
      this.#entries.delete(entry.settlement)
      this.#entries.set(entry.settlement, entry)
    }
    return [...byState.values()].map(({ settlement }) => settlement)
  }

  /** Tries to store these. Returns how many are no longer refused. */
  async #try(group: readonly Settlement[]): Promise<number> {
    if (group.length === 0 || this.#over.aborted) return 0
    const { ours, refused, more } = await splitSettle(group, (part) => this.#parts.settle(part))
    if (this.#over.aborted && ours.size === 0) return 0
    for (const settlement of group) {
      const error = refused.get(settlement)
      const entry = this.#entries.get(settlement)
      if (!entry) continue
      if (refused.has(settlement)) this.#entries.set(settlement, { ...entry, error })
      else this.#end(entry, ours.has(settlement.delivery.id))
    }
    if (more) this.#parts.onMore()
    this.report()
    return group.length - refused.size
  }

  #end({ settlement, release }: Entry, wasOurs: boolean): void {
    this.#entries.delete(settlement)
    if (wasOurs) this.#parts.onStored(settlement)
    release?.(LEFT)
  }

  /** Frees all slots that outcomes still have: nothing else would free them now. */
  #leaveAll(): void {
    for (const { release } of this.#entries.values()) release?.(LEFT)
  }
}
