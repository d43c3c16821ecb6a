/**
 * A delivery whose worker died again and again may be what kills it. From its third claim it runs alone in its process, and so does
 * the last one that its handler allows: then it dies, and not its neighbours.
 *
 *   claimed ──► the others of this worker end, nothing more is claimed ──► it runs ──► claims go on, one at a time
 *
 * Its neighbours of then are suspected as well, until they have run: while claims bring such, one of them at a time has its turn,
 * and the others go back to the database, for other workers.
 */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'

const FROM_ATTEMPT = 3

export interface AloneParts {
  /** How many attempts a handler allows. */
  maxAttempts(handler: string): number
  /** Resolves when everything that was claimed before has ended. */
  quiet(): Promise<void>
  /** Claims may go on. */
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

  /** One runs alone, or waits until it does. Nothing else may begin. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /** How many a claim may bring that would bring `limit`. */
  most(limit: number): number {
    if (this.#isTaken) return 0
    return this.#isCautious ? Math.min(1, limit) : limit
  }

  /** What a claim has brought. */
  learn(claimed: readonly ClaimedDelivery[]): void {
    this.#isCautious = claimed.some((delivery) => this.isFor(delivery))
  }

  isFor(delivery: ClaimedDelivery): boolean {
    return isSuspect(delivery, this.#parts.maxAttempts(delivery.handler))
  }

  /** What waits in this queue until it can run alone: its claim has to be kept. */
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
