/**
 * Runs a delivery alone in its process if it may be what kills its workers: then no other delivery is lost with it. It is a delivery
 * whose last claim was lost, from its third attempt on, or at the last attempt that its handler allows, if that comes earlier.
 *
 *   claimed ──► the others of this worker end, nothing more is claimed ──► it runs ──► claims go on, one at a time
 *
 * Deliveries that were lost together with it can be suspects too, until they have run. While claims bring suspects, one at a time
 * runs here, and the others go back to the database, for other workers.
 */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'

const FROM_ATTEMPT = 3

export interface AloneParts {
  /** How many attempts a handler allows. */
  maxAttempts(handler: string): number
  /** Resolves when everything that was claimed before has ended. */
  quiet(): Promise<void>
  /** Called when claims may go on. */
  goOn(): void
}

export class Alone {
  readonly #parts: AloneParts
  #isTaken = false
  #isCautious = false
  #waiting: ClaimedDelivery | null = null
  #run: Promise<void> = Promise.resolve()

  constructor(parts: AloneParts) {
    this.#parts = parts
  }

  /** Whether a delivery runs alone, or waits to run alone. Nothing else may begin then. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /** Returns the number of deliveries that a claim for `limit` may bring. */
  most(limit: number): number {
    if (this.#isTaken) return 0
    return this.#isCautious ? Math.min(1, limit) : limit
  }

  /** Learns from what a claim has brought. */
  learn(claimed: readonly ClaimedDelivery[]): void {
    this.#isCautious = claimed.some((delivery) => this.isFor(delivery))
  }

  isFor(delivery: ClaimedDelivery): boolean {
    return isSuspect(delivery, this.#parts.maxAttempts(delivery.handler))
  }

  /** The delivery of this queue that waits to run alone, if there is one: its claim must be kept. */
  waitingIn(queue: string): readonly ClaimedDelivery[] {
    return this.#waiting?.queue === queue ? [this.#waiting] : []
  }

  /** Resolves when nothing runs alone, or waits to. */
  async idle(): Promise<void> {
    await this.#run
  }

  /** Does `work` when nothing else runs. Returns false when it is another one's turn. */
  take(delivery: ClaimedDelivery, work: () => Promise<void>): boolean {
    if (this.#isTaken) return false
    this.#isTaken = true
    this.#waiting = delivery
    this.#run = this.#alone(work)
    return true
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    await this.#parts.quiet()
    this.#waiting = null
    await work()
    this.#isTaken = false
    this.#parts.goOn()
  }
}

/** Whether a delivery may be what has killed its workers. */
export function isSuspect({ attempt, wasLost = false }: ClaimedDelivery, maxAttempts: number): boolean {
  return wasLost && attempt >= Math.min(FROM_ATTEMPT, maxAttempts) && attempt <= maxAttempts
}

/** For a dispatcher that has no worker around it. */
export const NEVER_ALONE = new Alone({ maxAttempts: () => 0, quiet: async () => undefined, goOn: () => undefined })
