/**
 * Claims from one queue for one process: as many deliveries as there are free slots, and more while handlers are short. It claims again when a slot becomes free, and
 * when it is woken: by a publisher, or by the worker's poll, which asks for all its queues at once. So a queue in which nothing
 * happens costs nothing.
 *
 * While there is a backlog, two claims share the slots: the database works on one while we begin the deliveries of the other.
 */
import type { Claimed, ClaimedDelivery } from '../deliveries/delivery.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import type { Alone } from './alone.ts'
import type { Batches } from './batches/batches.ts'
import { ClaimAhead } from './claim-ahead.ts'
import { Gate } from './gate.ts'
import type { HandlerSlots } from './handler-slots.ts'
import { AHEAD } from './lane-run.ts'
import { LimitedClaims } from './limited-claims.ts'
import type { QueueSignals } from './queue-signals.ts'
import { retryDelays } from './retry-delays.ts'
import { BUDGET, Slots, type Asked, type SlotsParts } from './slots.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** The first wait before another look: about the time that a commit takes. */
const FIRST_LOOK_MS = 1
/** A claim that failed may have been too large for the network: the next one has room for this many times fewer bytes. */
const SMALLER = 16
/** Two claims share the slots only if each can ask for at least this many. */
const LEAST_OF_TWO = 50
/** Claims ask for more than the free slots only up to this many, together with the slots. */
const MOST_AHEAD = 200

export interface ClaimerParts extends SlotsParts {
  readonly pollMs: number
  readonly store: Pick<DeliveryStore, 'claim'>
  readonly batches: Pick<Batches, 'begunIn' | 'readyIn' | 'pump' | 'flush'>
  readonly waiting: Pick<WaitingRoom, 'size' | 'next'>
  readonly handlerSlots: HandlerSlots
  /** Whether claims may ask for more than there are free slots. */
  readonly claimsAhead?: boolean
  readonly alone?: Pick<Alone, 'most' | 'learn'>
  readonly signals: QueueSignals
  readonly stopping: AbortSignal
  /** Called for each claimed delivery. Takes a slot for it before it returns. */
  begin(delivery: ClaimedDelivery): void
}

export class Claimer {
  readonly #parts: ClaimerParts
  readonly #limited: LimitedClaims
  readonly #delays: ReturnType<typeof retryDelays>
  readonly #isLimited: boolean
  readonly #slots: Slots
  readonly #ahead: ClaimAhead
  /** Opens when there may be something to do. */
  readonly #news = new Gate()
  readonly #underWay = new Set<Promise<void>>()
  #claimed = 0
  /** By how much the room for payloads is divided, after claims that failed. */
  #less = 1
  /** A look at the queue is due, as soon as there is a slot. */
  #isDue = true
  /** The last claim may have left something because there were too few slots. */
  #hasBacklog = false
  #lookAgainMs = FIRST_LOOK_MS
  /** When to look again if nothing happens; null: the worker's poll will say. */
  #patienceMs: number | null = null
  #isDraining = false
  #isDry = false

  constructor(parts: ClaimerParts) {
    const { concurrency, inLanes, handlerSlots, stopping } = parts
    this.#parts = parts
    this.#limited = new LimitedClaims(handlerSlots, () => this.wake())
    this.#delays = retryDelays(stopping)
    this.#isLimited = inLanes || handlerSlots.haveLimits
    const mayAhead = parts.claimsAhead && !parts.sharedSlots && !this.#isLimited
    this.#ahead = new ClaimAhead(mayAhead ? Math.max(0, MOST_AHEAD - concurrency) : 0)
    this.#slots = new Slots(parts, this.#ahead, () => this.wake())
    stopping.addEventListener('abort', () => {
      this.#slots.leave()
      this.#news.open()
    })
  }

  /** Claims until stopped or, for a drain, until nothing can be claimed any more. Returns how many deliveries were claimed. */
  async run(isDraining: boolean): Promise<number> {
    this.#isDraining = isDraining
    this.#isDry = false
    this.#isDue = true
    this.#patienceMs = isDraining ? this.#parts.pollMs : null
    this.#claimed = 0
    while (!this.#isDry && !this.#parts.stopping.aborted) {
      const limit = this.#nextLimit()
      if (limit > 0) {
        this.#send(limit)
        continue
      }
      if (this.#isDue && this.#underWay.size === 0) this.#hasBacklog = true // there is no free slot
      if (!(await this.#news.wait(this.#patienceMs))) this.#isDue = true
    }
    await Promise.all(this.#underWay)
    return this.#claimed
  }

  /** Resolves when no claim is on its way. */
  async quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** There may be something to claim. */
  wake(): void {
    this.#isDue = true
    this.#news.open()
  }

  /** Whether a delivery waits for a slot, or for one of this handler's slots, as far as the last claim knows. */
  waits(handler: string): 'nobody' | 'for a slot' | 'for the handler' {
    if (this.#limited.isWaiting(handler) || this.#slots.othersWait) return 'for the handler'
    return this.#hasBacklog ? 'for a slot' : 'nobody'
  }

  /** How many bytes of payloads there is room for. */
  get room(): number {
    return this.#slots.room
  }

  /** Whether there is a free slot for a claimed delivery. */
  get hasSlotForClaimed(): boolean {
    return this.#slots.hasOne
  }

  /** Whether there is a free slot for a batch. */
  get hasSlot(): boolean {
    return this.#slots.hasOneForBatch
  }

  /** Called when a handler has returned. In a lane, its slot is free only when the delivery is settled. */
  returned(): void {
    this.#ahead.returned()
    this.#pump()
    if (this.#hasBacklog && !this.#parts.inLanes) this.wake()
    this.#slots.released()
  }

  /** A delivery, and what followed it in its lane, is settled. That may have made something due. */
  released(): void {
    this.#pump()
    if (this.#hasBacklog || this.#isDraining) this.wake()
    this.#slots.released()
  }

  /** Batches come first: deliveries that wait for a slot wait for a moment. */
  #pump(): void {
    this.#parts.batches.pump()
    this.#parts.waiting.next()
  }

  /** How many deliveries each of two claims asks for; `null`: there is one claim at a time. */
  get #half(): number | null {
    const half = Math.ceil(this.#slots.window / 2)
    return this.#isLimited || half < LEAST_OF_TWO ? null : half
  }

  /** How many deliveries to ask for now: 0 if it is not the time to ask. */
  #nextLimit(): number {
    const isFirst = this.#underWay.size === 0
    const maySecond = this.#underWay.size === 1 && this.#hasBacklog && this.#half !== null
    if (isFirst ? !this.#isDue : !maySecond) return 0
    const free = this.#slots.free()
    const part = this.#hasBacklog && this.#half !== null ? Math.min(free, this.#half) : free
    return isFirst || part >= LEAST_OF_TWO ? part : 0
  }

  #send(limit: number): void {
    const wasIdle = this.#parts.held.size === 0 && this.#underWay.size === 0
    this.#isDue = false
    const asked = this.#slots.ask(limit)
    const claim: Promise<void> = this.#claimAndLearn(asked, wasIdle).finally(() => {
      this.#underWay.delete(claim)
      this.#pump()
      this.#slots.released()
      this.#news.open()
    })
    this.#underWay.add(claim)
  }

  async #claimAndLearn(asked: Asked, wasIdle: boolean): Promise<void> {
    const claimed = await this.#claim(asked)
    this.#claimed += claimed?.deliveries.length ?? 0
    this.#hasBacklog = (claimed?.more ?? false) || this.#limited.mayClaimMore
    if (this.#hasBacklog) this.#isDue = true
    else this.#setPatience(claimed?.lookAgain ?? false)
    if (this.#isDraining && !this.#hasBacklog) this.#parts.batches.flush()
    // A delivery that ended during the claim may have made the next of its lane due, unseen by the claim: hence `wasIdle`.
    this.#isDry = this.#isDraining && claimed?.deliveries.length === 0 && !this.#hasBacklog && wasIdle
  }

  /** Decides whether to wait for the poll if nothing happens, or to look again soon, and then after longer and longer waits. */
  #setPatience(lookAgain: boolean): void {
    const { pollMs } = this.#parts
    this.#lookAgainMs = lookAgain ? Math.min(2 * this.#lookAgainMs, pollMs) : FIRST_LOOK_MS
    if (lookAgain) this.#patienceMs = this.#lookAgainMs
    else this.#patienceMs = this.#isDraining ? pollMs : null
  }

  /** Claims deliveries and begins them. Returns the claim; `null` when it failed. */
  async #claim(asked: Asked): Promise<Claimed | null> {
    const { queue, store, signals, begin } = this.#parts
    try {
      const claimed = await this.#limited.claim(async (rooms) => {
        const room = Math.ceil(this.room / (this.#half === null ? 1 : 2) / this.#less)
        return this.#slots.during(asked, room, async () => {
          const answered = this.#ahead.claim()
          const answer = await store.claim(queue, asked.limit, { rooms, room, behind: AHEAD })
          answered({ leftSome: answer.more, isIdle: this.#slots.areAllFree })
          this.#parts.alone?.learn(answer.deliveries)
          // Claimed deliveries take their slots at once, before another claim can ask for them.
          for (const delivery of answer.deliveries) begin(delivery)
          return answer
        })
      })
      this.#delays.reset()
      this.#less = Math.max(1, this.#less / 2)
      signals.databaseAnswered()
      return claimed
    } catch (error) {
      this.#hasBacklog = false
      this.#less = Math.min(SMALLER * this.#less, BUDGET)
      signals.databaseFailed(error)
      await this.#delays.next()
      this.#isDue = true
      return null
    }
  }
}
