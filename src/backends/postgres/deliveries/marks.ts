/**
 * The marks that one worker hands in at its claims of one queue (see `functions/marks.ts`). It has none until several claims in
 * a row were slow, because they had to step over many finished deliveries. So marks cost nothing while vacuum keeps up.
 */

/** At this interval a claim looks at everything, also at deliveries that got below the marks. */
const LOOK_AT_ALL_EVERY_MS = 60_000
/** A slow look at everything is made less often: it takes at most one part in this many of the time. */
const SHARE_OF_TIME = 200

/** Fewer slow claims in a row may be chance: a plan that was just made, or a busy processor. */
const SLOW_ENOUGH = 3

/** What a claim reports about marks. */
export interface MarkReport {
  readonly isSlow: boolean
  readonly marks: string | null
}

export class Marks {
  /** `null`: marks are not in use, because claims are not slow. */
  #marks: string | null = null
  #slowInARow = 0
  #isLookingAtAll = false
  #lookAtAllAt = 0
  #began = 0

  /** Returns the marks for the next claim. */
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
