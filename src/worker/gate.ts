/** A gate that one waiter waits at, with a limit. Opening it while nobody waits lets the next one straight through. */
export class Gate {
  #isOpen = false
  #pass: (() => void) | null = null

  open(): void {
    if (this.#pass) this.#pass()
    else this.#isOpen = true
  }

  /** Resolves when the gate is opened, or after `limitMs`. */
  wait(limitMs: number): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const pass = () => {
        clearTimeout(timer)
        this.#pass = null
        resolve()
      }
      const timer = setTimeout(pass, limitMs)
      this.#pass = pass
    })
  }
}
