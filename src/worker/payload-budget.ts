/**
 * How many deliveries a queue may claim, so that large payloads are not all in memory at once. What a claim will bring is
 * not known before it is here: the payloads of the claims before tell what to expect.
 */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'

/** Characters of stored payloads that are held or asked for. Decoded, they take several times as much memory. */
const BUDGET = 16 * 1_048_576
/** Of a first claim nothing is known. This lets it ask for 256. */
const FIRST_GUESS = 65_536

/** What is held or asked for already. */
export interface InMemory {
  readonly held: number
  readonly heldSize: number
  readonly asked: number
}

export class PayloadBudget {
  /** The size that the next payloads are taken to have. */
  #expected = FIRST_GUESS

  /** Of so many free slots, those that may be claimed for now. One at least when nothing else is in memory. */
  share(free: number, { held, heldSize, asked }: InMemory): number {
    const left = BUDGET - heldSize - asked * this.#expected
    const least = held + asked === 0 ? 1 : 0
    return Math.min(free, Math.max(least, Math.floor(left / this.#expected)))
  }

  /** Larger payloads than expected are believed at once, smaller ones little by little. */
  learn(claimed: readonly ClaimedDelivery[]): void {
    if (claimed.length === 0) return
    const mean = claimed.reduce((sum, delivery) => sum + payloadSize(delivery), 0) / claimed.length
    this.#expected = Math.max(1, mean, (this.#expected + mean) / 2)
  }
}

export function payloadSize({ event }: ClaimedDelivery): number {
  return event?.payload.length ?? 0
}
