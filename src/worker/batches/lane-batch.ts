/**
 * One lane whose handler takes batches: brings the deliveries of its claim to a batch, and settles them when the batch is over.
 *
 *   claimed, with what is behind ──► in a batch ──► settled, up to the first that has failed ──► the next of the lane
 *
 * Only the first delivery has the claim in the database. While it has, no other worker can claim those behind it (see
 * `functions/runs.ts` there). So a lane is in one batch at a time, in order. If a delivery must come again, those behind it count as
 * not run: they come again after it, and use up no attempt.
 *
 * One settle ends the deliveries that are done, and the first one after them that is not, such as a skipped one. If more have ended
 * behind that one, the settle hands the claim to the next of them, and another settle ends that.
 */
import { concludedAttempt, type ConcludedAttempt } from '../../attempt/concluded-attempt.ts'
import type { ClaimedDelivery, Settlement } from '../../deliveries/delivery.ts'
import type { HandlerSlots } from '../handler-slots.ts'
import type { HeldDelivery, Run } from '../held.ts'
import { later } from '../later.ts'
import type { LaneRunParts } from '../lane-run-parts.ts'
import type { SettledAttempt } from '../settled-attempt.ts'
import type { BatchPart } from './batch.ts'
import type { Batches } from './batches.ts'

export interface LaneBatchParts extends Omit<LaneRunParts, 'onEnd'> {
  readonly batches: Batches
  readonly handlerSlots: HandlerSlots
  /** Called when nothing of the lane is held any more. */
  onEnd(lane: LaneBatch): void
}

interface Ended {
  readonly delivery: ClaimedDelivery
  readonly settlement: Settlement
  /** `null`: given back. */
  readonly outcome: ConcludedAttempt['outcome'] | null
  readonly tookMs: number
}

export class LaneBatch implements Run {
  readonly handler: string
  readonly #parts: LaneBatchParts
  /** The one that has the claim. */
  #held: HeldDelivery | null = null
  #part: BatchPart | null = null
  #moves = 0
  /** How many batches it was in. */
  #begun = 0
  #isSettling = false
  #isStopped = false
  /** The claim was lost and has come back: the deliveries behind must not be settled together with the first. */
  #isRenewed = false
  readonly #end = Promise.withResolvers<void>()

  constructor(parts: LaneBatchParts, handler: string) {
    this.#parts = parts
    this.handler = handler
  }

  get moves(): number | null {
    return this.#isSettling ? null : this.#moves
  }

  /** Begins with a claimed delivery. It is held when this returns. */
  begin(delivery: ClaimedDelivery): void {
    const { batches, held, handlerSlots } = this.#parts
    const head = held.hold(delivery, this, true)
    this.#held = head
    this.#isRenewed = false
    const part = batches.add(delivery.queue, [delivery, ...delivery.behind], head.abort)
    this.#begun += 1
    if (!part) return void this.#endAlone(head)

    this.#part = part
    const behind = part.deliveries.slice(1)
    held.holdBehind(behind)
    for (const one of behind) handlerSlots.take(one.handler)
    void this.#inBatch(head, part)
  }

  renew(delivery: ClaimedDelivery): boolean {
    if (this.#held?.delivery.id !== delivery.id || this.#isSettling) return false
    this.#held.delivery = delivery
    this.#isRenewed = true
    return true
  }

  giveBack(delayMs: number): Promise<void> {
    this.#isStopped = true
    if (this.#held && !this.#isSettling) this.#settleLater(this.#held, delayMs)
    return this.#end.promise
  }

  /** Ends a delivery for which the handler is not called. */
  async #endAlone(head: HeldDelivery): Promise<void> {
    const { attempt, emit, held } = this.#parts
    const concluded = await concludedAttempt(attempt(head.delivery, head.abort), head.delivery, emit)
    held.returned(head)
    if (head.phase === 'given-back') return
    this.#settle(head, [{ ...concluded, delivery: head.delivery, tookMs: 0 }])
  }

  async #inBatch(head: HeldDelivery, part: BatchPart): Promise<void> {
    const { held, handlerSlots } = this.#parts
    const end = await part.ended
    const behind = part.deliveries.slice(1)
    held.returned(head)
    held.releaseBehind(behind)
    for (const one of behind) handlerSlots.release(one.handler)
    if (head.phase === 'given-back') return
    if (!end) return this.#settleLater(head, 0)

    head.phase = 'settling'
    const ended: Ended[] = []
    for (const delivery of this.#isRenewed ? [head.delivery] : [head.delivery, ...behind]) {
      const concluded = await concludedAttempt(end.outcomeOf(delivery), delivery, this.#parts.emit)
      ended.push({ ...concluded, delivery, tookMs: end.tookMs })
      if (comesAgain(concluded.settlement)) break
    }
    this.#settle(head, ended)
  }

  #settleLater(head: HeldDelivery, delayMs: number): void {
    const { delivery } = head
    this.#settle(head, [{ delivery, settlement: later(delivery, delayMs), outcome: null, tookMs: 0 }])
  }

  /** Ends the deliveries that are done, and the first one after them that is not. */
  #settle(head: HeldDelivery, ended: readonly Ended[]): void {
    this.#isSettling = true
    if (head.phase === 'running') head.phase = 'settling'
    const place = ended.findIndex(({ settlement }) => settlement.is !== 'done')
    const now = place === -1 ? ended : ended.slice(0, place + 1)
    const rest = ended.slice(now.length)
    this.#parts.settler.hand(this.#settlementOf(now, rest.length > 0), (settled) =>
      this.#settled({ head, ended: now, rest }, settled),
    )
  }

  #settlementOf(ended: readonly Ended[], goesOn: boolean): Settlement {
    const last = ended.at(-1) as Ended
    const ran = ended.slice(0, -1).map(({ delivery, tookMs }) => ({ delivery, tookMs }))
    const settlement = { ...last.settlement, delivery: last.delivery, tookMs: last.tookMs, ran }
    if (goesOn) return { ...settlement, takeNext: true }
    const behind = this.#parts.hasRoom() ? this.#parts.batches.sizeOf(this.handler) - 1 : 0
    return { ...settlement, takeNext: this.#mayGoOn(), behind }
  }

  /** In the turn of a lane, a batch counts as one step, like one delivery of a run. */
  #mayGoOn(): boolean {
    if (this.#isStopped || this.#parts.isStopping()) return false
    return this.#parts.turns.left(this, this.handler, this.#begun) > 0
  }

  #settled({ head, ended, rest }: Settling, settled: SettledAttempt): void {
    this.#moves += 1
    for (const one of ended) this.#report(head, one, settled)
    const { next } = settled
    const [following] = rest
    if (next && next.id === following?.delivery.id) this.#settleRest(next, rest)
    else this.#goOn(next)
    this.#parts.held.release(head)
  }

  /** These have ended too. The first of them has the claim now, and it is the claim of all. */
  #settleRest(next: ClaimedDelivery, rest: readonly Ended[]): void {
    const head = this.#parts.held.hold(next, this, true)
    this.#parts.held.returned(head)
    head.phase = 'settling'
    this.#held = head
    const { claim } = next
    this.#settle(
      head,
      rest.map((one) => ({ ...one, delivery: { ...one.delivery, claim } })),
    )
  }

  #report(head: HeldDelivery, { delivery, outcome, tookMs }: Ended, { wasOurs, isRefused }: SettledAttempt): void {
    if (outcome === null) return
    if (wasOurs) this.#parts.onOutcome(outcome, delivery, tookMs)
    else if (!isRefused && delivery.id === head.delivery.id && !head.abort.signal.aborted)
      this.#parts.signals.claimLost(delivery)
  }

  /** Called when everything is settled. The last delivery stays held until it is known what follows. */
  #goOn(next: ClaimedDelivery | null): void {
    this.#isSettling = false
    this.#held = null
    this.#part?.leave()
    this.#part = null
    const end = () => {
      this.#parts.turns.ended(this)
      this.#parts.onEnd(this)
      this.#end.resolve()
    }
    if (next === null) end()
    else if (this.#parts.mustWait(next)) this.#parts.putOff(next, end)
    else this.begin(next)
  }
}

interface Settling {
  readonly head: HeldDelivery
  readonly ended: readonly Ended[]
  /** The deliveries that have ended too, and come after these. */
  readonly rest: readonly Ended[]
}

/** Whether the delivery comes again, so that its lane waits for it. */
function comesAgain({ is }: Settlement): boolean {
  return is === 'retry' || is === 'later' || is === 'awaiting'
}
