/**
 * The marks that one worker hands in at its claims of one queue (see `functions/marks.ts`). It has none until a claim was
 * slow to look, which is when it had to step over much that has finished: so they cost nothing where nothing holds vacuum up.
 */

/** A claim without marks sees everything, also what came to lie below them. */
const LOOK_AT_ALL_EVERY_MS = 60_000
/** When looking at everything takes long, it is done less often: it takes at most one part in so many of the time. */
const SHARE_OF_TIME = 200

/** So many slow claims in a row are no chance: a plan that was just made, or a processor that was away. */
const SLOW_ENOUGH = 3

/** What a claim says about marks. */
export interface MarkReport {
  readonly isSlow: boolean
  readonly marks: string | null
}

export class Marks {
  /** `null`: no claim has been slow. */
  #marks: string | null = null
  #slowInARow = 0
  #isLookingAtAll = false
  #lookAtAllAt = 0
  #began = 0

  /** What to give to the next claim. */
  handIn(): string | null {
    this.#began = performance.now()
    if (this.#marks === null) return null
    this.#isLookingAtAll = this.#began >= this.#lookAtAllAt
    return this.#isLookingAtAll ? NONE_YET : this.#marks
  }

  learn(report: MarkReport | null): void {
    if (this.#marks === null) {
      this.#slowInARow = report?.isSlow ? this.#slowInARow + 1 : 0
      if (this.#slowInARow === SLOW_ENOUGH) this.#start(NONE_YET)
      return
    }
    if (this.#isLookingAtAll && !report?.isSlow) {
      this.#marks = null
      this.#slowInARow = 0
      return
    }
    const marks = report?.marks ?? NONE_YET
    if (this.#isLookingAtAll) this.#start(marks)
    else this.#marks = marks
  }

  #start(marks: string): void {
    const tookMs = performance.now() - this.#began
    this.#marks = marks
    this.#lookAtAllAt = this.#began + Math.max(LOOK_AT_ALL_EVERY_MS, tookMs * SHARE_OF_TIME)
  }
}

const NONE_YET = '{}'
