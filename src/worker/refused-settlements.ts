/**
 * The outcomes of one queue that the server refuses to store: a trigger raises, a right is missing, the disk is full. Each has
 * given back its slot, and is tried apart from the others at growing intervals, until it is stored or the worker stops. Its claim
 * is kept meanwhile: what has run must not run again because of a mistake that someone can mend.
 */
import { sleep } from '../clock.ts'
import type { ClaimedDelivery, Settled, Settlement } from '../deliveries/delivery.ts'
import { stateOf } from './refusal.ts'
import type { SettledAttempt } from './settled-attempt.ts'
import { splitSettle } from './split-settle.ts'

const FIRST_MS = 1_000
const LAST_MS = 30_000
/** So few are all tried each time; of more, one for each error, and the rest once one of these is stored. */
const FEW = 20
/** Beyond these an outcome keeps its slot: what cannot be stored must not fill the memory. */
const MOST_WITHOUT_SLOT = 1_000

export interface RefusedParts {
  /** Tries again through troubles that pass by themselves. */
  settle(group: readonly Settlement[]): Promise<Settled>
  /** Something has changed, or was tried again: what is refused now. Empty: all of it is stored. */
  onChange(refused: readonly Refused[]): void
  /** It was refused, and is stored now. */
  onStored(settlement: Settlement): void
  /** Something has become due by what was stored. */
  onMore(): void
}

export interface Refused {
  readonly settlement: Settlement
  readonly error: unknown
}

interface Entry extends Refused {
  /** What waits for its slot. */
  readonly release: ((settled: SettledAttempt) => void) | null
}

/** Of a run its first one has the claim. */
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

  /** The claims of those that have given back their slots: they have to be kept alive from here. */
  get deliveries(): readonly ClaimedDelivery[] {
    return [...this.#entries.values()].flatMap(({ release, settlement }) => (release ? [] : [claimedOf(settlement)]))
  }

  /** Takes over an outcome that was refused. `release` frees its slot. */
  take(settlement: Settlement, error: unknown, release: (settled: SettledAttempt) => void): void {
    const hasRoom = this.#entries.size < MOST_WITHOUT_SLOT
    // By the time it is stored, its lane is for a worker that has a slot, and so is what its claim was to move to.
    const alone: Settlement = { ...settlement, takeNext: false, movesTo: undefined, more: undefined }
    this.#entries.set(alone, { settlement: alone, error, release: hasRoom ? null : release })
    if (hasRoom) release(LEFT)
    if (!this.#isTrying) void this.#keepTrying()
  }

  /** To be called when some were taken. */
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

  /** One for each error. They go to the end, so that the next time it is another one's turn. */
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

  /** Returns how many of these are refused no more. */
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

  /** What waits for its slot has no other way to end. */
  #leaveAll(): void {
    for (const { release } of this.#entries.values()) release?.(LEFT)
  }
}
