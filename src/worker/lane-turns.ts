/**
 * Decides how long a lane may keep its slot while others wait for one. A turn is short, so that every lane gets one. But then a key
 * that is much busier than the others would get only one short turn for each turn of theirs, however much it has to do. So a few slots
 * may stay for a long turn with lanes that have more to do.
 */
import type { Run } from './held.ts'

const TURN = 16
const LONG_TURN = 1_024
/** The share of the slots that may be kept for a long turn. */
const LONG_SHARE = 1 / 10

export interface LaneTurnsParts {
  readonly concurrency: number
  /** Whether a delivery waits for a slot, or for one of this handler's slots. */
  waits(handler: string): 'nobody' | 'for a slot' | 'for the handler'
}

export class LaneTurns {
  readonly #parts: LaneTurnsParts
  readonly #most: number
  readonly #long = new Set<Run>()

  constructor(parts: LaneTurnsParts) {
    this.#parts = parts
    this.#most = parts.concurrency === 1 ? 0 : Math.max(1, Math.floor(parts.concurrency * LONG_SHARE))
  }

  /** Returns how many more deliveries this run may begin, after it has begun `begun` of them. */
  left(run: Run, handler: string, begun: number): number {
    const waits = this.#parts.waits(handler)
    if (waits === 'nobody') return LONG_TURN
    if (begun < TURN) return TURN - begun
    return waits === 'for a slot' && this.#mayStay(run) ? Math.max(0, LONG_TURN - begun) : 0
  }

  ended(run: Run): void {
    this.#long.delete(run)
  }

  #mayStay(run: Run): boolean {
    if (this.#long.has(run)) return true
    if (this.#long.size >= this.#most) return false
    this.#long.add(run)
    return true
  }
}
