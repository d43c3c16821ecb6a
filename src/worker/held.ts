/** The deliveries that one dispatcher has claimed and not yet settled, and which of their handlers still run. */
import { performance } from '../clock.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import { Gate } from './gate.ts'

export interface HeldDelivery {
  /** Of its last claim: see `renew`. */
  delivery: ClaimedDelivery
  readonly abort: AbortController
  /** `performance.now()`: a clock that is never set. */
  readonly since: number
  /** What it belongs to in its lane. */
  readonly run: Run | null
  /** It is in a batch, which has the slot. */
  readonly isMember: boolean
  /**
   * - `running`: its handler runs.
   * - `settling`: the handler has returned; its outcome is on the way to the database.
   * - `given-back`: the handler was too slow for a stop; what it returns now is not stored.
   */
  phase: 'running' | 'settling' | 'given-back'
}

/** What the keeping of claims has to know of a lane's run. */
export interface Run {
  readonly handler: string
  /** Counts the answers about its claim; `null` while the claim moves. */
  readonly moves: number | null
  /** What runs of it has another claim now. Returns false when the run has more to settle than that. */
  renew(delivery: ClaimedDelivery): boolean
  /** Gives back what runs of it. Resolves when nothing of it is held any more. */
  giveBack(delayMs: number): Promise<void>
}

export class Held {
  readonly #held = new Set<HeldDelivery>()
  #payloadSize = 0
  /** The ids of those whose handlers have not returned yet. */
  readonly #inHandlers = new Set<string>()
  /** Of these, and of those that are held, so many are in batches. */
  #membersInHandlers = 0
  #members = 0
  readonly #released = new Gate()

  /** How many are claimed and not settled. */
  get size(): number {
    return this.#held.size
  }

  /** How many of these are in no batch. */
  get singles(): number {
    return this.#held.size - this.#members
  }

  /** How many characters the payloads of these have, and of those that wait behind them. */
  get payloadSize(): number {
    return this.#payloadSize
  }

  /** How many handlers have not returned, batches aside. */
  get inHandlers(): number {
    return this.#inHandlers.size - this.#membersInHandlers
  }

  countOf(phase: HeldDelivery['phase']): number {
    return [...this.#held].filter((held) => held.phase === phase).length
  }

  isInHandler(id: string): boolean {
    return this.#inHandlers.has(id)
  }

  hold(delivery: ClaimedDelivery, run: Run | null = null, isMember = false): HeldDelivery {
    const since = performance.now()
    const held: HeldDelivery = { delivery, abort: new AbortController(), since, run, isMember, phase: 'running' }
    this.#held.add(held)
    this.#payloadSize += payloadSize(delivery)
    if (isMember) this.#members += 1
    this.#enter(delivery, isMember)
    return held
  }

  /** These follow one that is held, in its batch: its claim is theirs. */
  holdBehind(deliveries: readonly ClaimedDelivery[]): void {
    this.await(deliveries)
    for (const delivery of deliveries) this.#enter(delivery, true)
  }

  /** Their handler has returned. */
  releaseBehind(deliveries: readonly ClaimedDelivery[]): void {
    this.awaitNoMore(deliveries)
    for (const delivery of deliveries) this.#leave(delivery, true)
  }

  /**
   * A claim that was lost, though its handler went on, has come back to us: by that new claim its outcome counts. Returns false
   * when it is not here, or can have no outcome that counts any more.
   */
  renew(delivery: ClaimedDelivery): boolean {
    const held = [...this.#held].find((one) => one.delivery.id === delivery.id)
    if (!held || held.phase === 'given-back' || held.abort.signal.aborted) return false
    if (held.run) return held.run.renew(delivery)
    held.delivery = delivery
    return true
  }

  /** Its handler has returned. */
  returned({ delivery, isMember }: HeldDelivery): void {
    this.#leave(delivery, isMember)
  }

  /** It is settled, or given up. */
  release(held: HeldDelivery): void {
    this.#released.open()
    if (!this.#held.delete(held)) return
    this.#payloadSize -= payloadSize(held.delivery)
    if (held.isMember) this.#members -= 1
  }

  /** These are in memory too, and not begun. */
  await(behind: readonly ClaimedDelivery[]): void {
    for (const delivery of behind) this.#payloadSize += payloadSize(delivery)
  }

  /** These are begun, or are not waited for any more. */
  awaitNoMore(behind: readonly ClaimedDelivery[]): void {
    for (const delivery of behind) this.#payloadSize -= payloadSize(delivery)
  }

  /** Resolves when nothing is held any more. */
  async idle(): Promise<void> {
    while (this.#held.size > 0) await this.#released.wait(1_000)
  }

  /** Marks what still runs as given back, and answers it. */
  takeRunning(): readonly HeldDelivery[] {
    const running = [...this.#held].filter((held) => held.phase === 'running')
    for (const held of running) held.phase = 'given-back'
    return running
  }

  #enter({ id }: ClaimedDelivery, isMember: boolean): void {
    if (isMember && !this.#inHandlers.has(id)) this.#membersInHandlers += 1
    this.#inHandlers.add(id)
  }

  #leave({ id }: ClaimedDelivery, isMember: boolean): void {
    if (this.#inHandlers.delete(id) && isMember) this.#membersInHandlers -= 1
  }

  /** Those held since before then; those that are settling too: their settle may be tried for longer than a claim lives. */
  heldSince(before: number): readonly HeldDelivery[] {
    return [...this.#held].filter((held) => held.since <= before)
  }
}

function payloadSize({ event }: ClaimedDelivery): number {
  return event?.payload?.length ?? 0
}

/** Ends an attempt whose claim another worker has taken over. Answers whether that was news. */
export function abortLost({ delivery, abort, phase }: HeldDelivery): boolean {
  if (phase !== 'running' || abort.signal.aborted) return false
  const reason = `The claim of delivery ${delivery.id} was lost to another worker.`
  abort.abort(new PostbusError('POSTBUS_CLAIM_LOST', reason))
  return true
}
