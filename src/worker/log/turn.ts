/** Limits how long a worker starts events without a pause. Between two turns, other work runs: acknowledgements, heartbeats, queries. */
import { performance, setImmediate } from '../../clock.ts'

const TURN_MS = 10

export class Turn {
  readonly #next: () => void
  #began = -Infinity
  /** Whether the next turn is scheduled. */
  isAwaited = false

  /** `next` is called when the next turn begins. */
  constructor(next: () => void) {
    this.#next = next
  }

  /** Whether the turn is over. If so, schedules the next one. */
  isOver(): boolean {
    if (this.isAwaited) return true
    if (performance.now() - this.#began < TURN_MS) return false
    this.isAwaited = true
    setImmediate(() => {
      this.isAwaited = false
      this.#began = performance.now()
      this.#next()
    })
    return true
  }
}
