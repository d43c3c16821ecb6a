/** A gate that one waiter waits at, with a limit. Opening it while no one waits lets the next one straight through. */
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
