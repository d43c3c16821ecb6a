/**
 * Works on one lane in this process: runs its deliveries one after the other, and settles them as they end.
 *
 *   claimed ──► running ──► done ──► settled
 *                 ▲           │         │
 *                 │           └─ the next one of the run begins at once, if the handler is quick
 *                 └───────────── or the next one of the lane, which comes with the answer
 *
 * Only one delivery of the run has the claim in the database (see `functions/runs.ts` there). At most one settle of a run is under way:
 * deliveries that end meanwhile go with the next settle. If the answer says that the claim was lost, the running attempt is aborted, and
 * nothing that ended since counts. After a slow handler, the lane waits for the answer, so that an older delivery can go first.
 */
import { performance, setImmediate } from '../clock.ts'
import { concludedAttempt, type ConcludedAttempt } from '../attempt/concluded-attempt.ts'
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import type { Outcome } from '../handlers/outcome.ts'
import { abortLost, type HeldDelivery, type Run } from './held.ts'
import type { LaneRunParts } from './lane-run-parts.ts'
import type { SettledAttempt } from './settled-attempt.ts'

const QUICK_MS = 20 // after a slower handler the lane waits for the answer: a round trip is short by comparison
/** How many deliveries a run loads ahead at first. Doubled each time one ends and no next one can begin before the answer. */
export const AHEAD = 15
const MOST_AHEAD = 255

interface Ended {
  readonly held: HeldDelivery
  readonly settlement: Settlement
  /** `null`: given back. */
  readonly outcome: Outcome | null
  readonly tookMs: number
}

export class LaneRun implements Run {
  readonly handler: string
  readonly #parts: LaneRunParts
  /** The deliveries that may begin without another claim, in order. */
  #ahead: ClaimedDelivery[] = []
  #running: HeldDelivery | null = null
  /** Deliveries that have ended and are not in the settle that is under way. */
  #ended: Ended[] = []
  #wanted: number
  #begun = 0
  #moves = 0
  #isSettling = false
  #isStopped = false
  readonly #end = Promise.withResolvers<void>()

  constructor(parts: LaneRunParts, handler: string) {
    this.#parts = parts
    this.handler = handler
    this.#wanted = parts.goesAlone?.(handler) ? 0 : AHEAD
  }

  get moves(): number | null {
    return this.#isSettling ? null : this.#moves
  }

  /** Begins with a claimed delivery. It is held when this returns. */
  begin(delivery: ClaimedDelivery): void {
    this.#expect(delivery.behind)
    this.#start(this.#hold(delivery))
  }

  renew(delivery: ClaimedDelivery): boolean {
    if (this.#running?.delivery.id !== delivery.id || this.#isSettling || this.#ended.length > 0) return false
    this.#drop()
    this.#running.delivery = delivery
    return true
  }

  giveBack(delayMs: number): Promise<void> {
    this.#isStopped = true
    const held = this.#running
    if (held) {
      this.#running = null
      const settlement: Settlement = { delivery: held.delivery, is: 'later', delayMs }
      this.#ended.push({ held, settlement, outcome: null, tookMs: 0 })
      this.#settle()
    }
    return this.#end.promise
  }

  #hold(delivery: ClaimedDelivery): HeldDelivery {
    this.#begun += 1
    this.#running = this.#parts.held.hold(delivery, this)
    return this.#running
  }

  #start(held: HeldDelivery): void {
    const { attempt, emit } = this.#parts
    const { delivery, abort } = held
    const began = performance.now()
    void concludedAttempt(attempt(delivery, abort), delivery, emit).then((concluded) =>
      this.#returned(held, concluded, performance.now() - began),
    )
  }

  #returned(held: HeldDelivery, { outcome, settlement }: ConcludedAttempt, tookMs: number): void {
    this.#parts.held.returned(held)
    if (held.phase === 'given-back') return
    held.phase = 'settling'
    this.#running = null
    this.#ended.push({ held, settlement: { ...settlement, delivery: held.delivery }, outcome, tookMs })
    this.#settleAndStartNext()
    if (!this.#running) this.#wanted = Math.min(2 * this.#wanted, MOST_AHEAD)
  }

  /** Settles what has ended, and begins the next delivery ahead, if that need not wait for an answer. */
  #settleAndStartNext(): void {
    const next = this.#running ? null : this.#nextAhead()
    const held = next && this.#hold(next)
    this.#settle()
    if (held) this.#startSoon(held)
  }

  /** Starts a delivery soon: first the event loop gets its turn, and with it the settle. */
  #startSoon(held: HeldDelivery): void {
    setImmediate(() => {
      if (held.phase === 'running' && !held.abort.signal.aborted) this.#start(held)
      else this.#leave(held)
    })
  }

  /** It was given back, or its claim was lost, before it began. */
  #leave(held: HeldDelivery): void {
    this.#parts.held.returned(held)
    if (held.phase === 'given-back') return
    this.#running = null
    this.#parts.held.release(held)
    if (!this.#isSettling) this.#goOn(null)
  }

  #nextAhead(): ClaimedDelivery | null {
    const [next] = this.#ahead
    const last = this.#ended.at(-1)
    if (last?.settlement.is !== 'done' || last.tookMs >= QUICK_MS) return null
    if (!next || this.#left() === 0 || this.#parts.mustWait(next)) return null
    this.#ahead.shift()
    this.#parts.held.awaitNoMore([next])
    return next
  }

  #left(): number {
    if (this.#isStopped || this.#parts.isStopping()) return 0
    return this.#parts.turns.left(this, this.handler, this.#begun)
  }

  /** Sends what has ended, unless that has to wait for an answer. */
  #settle(): void {
    if (this.#isSettling || this.#ended.length === 0) return
    const ended = this.#ended
    this.#ended = []
    this.#isSettling = true
    this.#parts.settler.hand(this.#settlementOf(ended), (settled) => this.#settled(ended, settled))
  }

  #settlementOf(ended: readonly Ended[]): Settlement {
    const last = ended.at(-1) as Ended
    const ran = ended.slice(0, -1).map(({ held, tookMs }) => ({ delivery: held.delivery, tookMs }))
    const settlement = { ...last.settlement, tookMs: last.tookMs, ran }
    if (this.#running) return { ...settlement, movesTo: this.#running.delivery, more: this.#more(this.#running) }
    this.#drop()
    const left = this.#left()
    const behind = last.tookMs < QUICK_MS ? this.#room(this.#wanted, left - 1) : 0
    return { ...settlement, takeNext: left > 0, behind }
  }

  /** Asks for more only when half are missing: a request for a few costs as much as one for many. */
  #more({ delivery }: HeldDelivery): NonNullable<Settlement['more']> | undefined {
    const missing = Math.min(this.#wanted, this.#left()) - this.#ahead.length
    if (missing < this.#wanted / 2) return undefined
    return { last: this.#ahead.at(-1) ?? delivery, count: this.#room(missing, missing) }
  }

  #room(wanted: number, left: number): number {
    const most = Math.min(wanted, left)
    return most > 0 && this.#parts.hasRoom() ? most : 0
  }

  #settled(ended: readonly Ended[], settled: SettledAttempt): void {
    const { wasOurs, next, behind, isCut } = settled
    this.#isSettling = false
    this.#moves += 1
    for (const one of ended) this.#report(one, settled)
    if (!wasOurs) this.#lose()
    else if (isCut) this.#drop()
    else this.#expect(behind)

    this.#settleAndStartNext()
    if (!this.#running && !this.#isSettling) this.#goOn(next)
    for (const { held } of ended) this.#parts.held.release(held)
  }

  #report({ held, outcome, tookMs }: Ended, { wasOurs, isRefused }: SettledAttempt): void {
    if (outcome === null) return
    if (wasOurs) this.#parts.onOutcome(outcome, held.delivery, tookMs)
    else if (!isRefused && !held.abort.signal.aborted) this.#parts.signals.claimLost(held.delivery)
  }

  /** Called when the claim was lost: aborts the running attempt, and drops the deliveries ahead, which are another worker's now. */
  #lose(): void {
    this.#drop()
    if (this.#running && abortLost(this.#running)) this.#parts.signals.claimLost(this.#running.delivery)
  }

  /** Called when everything is settled. The last deliveries stay held until it is known what follows. */
  #goOn(next: ClaimedDelivery | null): void {
    const end = () => {
      this.#parts.turns.ended(this)
      this.#parts.onEnd(this)
      this.#end.resolve()
    }
    if (next === null) end()
    else if (this.#parts.mustWait(next)) this.#parts.putOff(next, end)
    else this.begin(next)
  }

  #expect(behind: readonly ClaimedDelivery[]): void {
    if (this.#wanted === 0) return
    this.#parts.held.await(behind)
    this.#ahead.push(...behind)
  }

  #drop(): void {
    this.#parts.held.awaitNoMore(this.#ahead)
    this.#ahead = []
  }
}
