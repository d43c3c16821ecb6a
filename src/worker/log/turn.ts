/** A turn of the process, in which events are started one after the other. After it other work goes first: acknowledging, keeping leases, and the rest. */
import { performance, setImmediate } from '../../clock.ts'

const TURN_MS = 10

export class Turn {
  readonly #next: () => void
  #began = -Infinity
  /** Whether the next turn will come by itself. */
  isAwaited = false

  /** `next` is called when the next turn begins. */
  constructor(next: () => void) {
    this.#next = next
  }

  /** Whether the turn is over. If so, the next one comes soon. */
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
