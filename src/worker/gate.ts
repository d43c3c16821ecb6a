/** A gate for one waiter, with a time limit. If it is opened while it has no waiter, the next waiter passes at once. */
import { clearTimeout, setTimeout } from '../clock.ts'

export class Gate {
  #isOpen = false
  #pass: (() => void) | null = null

  open(): void {
    if (this.#pass) this.#pass()
    else this.#isOpen = true
  }

  /** Resolves when the gate is opened, or after `limitMs`, if there is a limit. Returns whether it was opened. */
  wait(limitMs: number | null): Promise<boolean> {
    if (this.#isOpen) {
      this.#isOpen = false
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const end = (wasOpened: boolean) => {
        if (timer !== null) clearTimeout(timer)
        this.#pass = null
        resolve(wasOpened)
      }
      const timer = limitMs === null ? null : setTimeout(() => end(false), limitMs)
      this.#pass = () => end(true)
    })
  }
}
