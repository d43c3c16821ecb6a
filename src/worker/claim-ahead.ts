/**
 * Decides how many deliveries a claim asks for beyond the free slots. While there is a backlog, it asks for as many as have returned
 * during the claim before: then a slot that becomes free has its next delivery at once, and need not wait for the database. If all that
 * was claimed has returned before the claim is answered, slots were empty, and the number doubles. Where handlers take long, hardly one
 * returns during a claim, and nothing is claimed ahead.
 */
import { performance } from '../clock.ts'

/** No more is claimed ahead than was worked off within this time. Claimed deliveries cannot begin in another process. */
const MOST_MS = 25

interface Answer {
  /** Whether more could be claimed. */
  readonly leftSome: boolean
  /** Whether all that was claimed before has returned. */
  readonly isIdle: boolean
}

export class ClaimAhead {
  readonly #most: number
  #returned = 0
  /** How many had returned when the last claim was answered. */
  #atAnswer = 0
  #count = 0

  /** `most` is the limit of `count`; 0: nothing is claimed ahead. */
  constructor(most: number) {
    this.#most = most
  }

  /** How many deliveries beyond the free slots to ask for now. */
  get count(): number {
    return this.#count
  }

  /** Called when a handler has returned. */
  returned(): void {
    this.#returned += 1
  }

  /** Called when a claim is sent. Call the result when it is answered, before its deliveries begin. */
  claim(): (answer: Answer) => void {
    const before = this.#returned
    const sentAt = performance.now()
    return ({ leftSome, isIdle }) => {
      const times = MOST_MS / (performance.now() - sentAt)
      const sinceAnswer = this.#returned - this.#atAnswer
      const wanted =
        isIdle && sinceAnswer > 0
          ? Math.max(sinceAnswer, this.#count) * Math.min(2, times)
          : Math.max((this.#returned - before) * Math.min(1, times), this.#count / 2)
      this.#count = leftSome ? Math.min(this.#most, Math.floor(wanted)) : 0
      this.#atAnswer = this.#returned
    }
  }
}
