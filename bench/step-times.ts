/** Measures the time of steps that are repeated many times. */
import type { Figures } from './question.ts'
import { percentile } from './statistics.ts'

export class StepTimes {
  readonly #times = new Map<string, number[]>()

  /** Forgets the times so far, such as the times of a warm-up. */
  clear(): void {
    this.#times.clear()
  }

  /** A step that began at `since` (`performance.now()`) has ended. */
  add(step: string, since: number): void {
    const times = this.#times.get(step) ?? []
    times.push(performance.now() - since)
    this.#times.set(step, times)
  }

  async of(step: string, run: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now()
    await run()
    this.add(step, startedAt)
  }

  medians(): Figures {
    return Object.fromEntries(Array.from(this.#times, ([step, ms]) => [`${step}, ms`, percentile(ms, 50)]))
  }
}
