/** The engine of all buses of `openTestBus`. Usually there is none; `test/external/engine-setup.ts` sets one. */
import type { LogEngine } from '../../src/jetstream/index.ts'

let make: (() => LogEngine) | null = null

export function useTestEngine(maker: () => LogEngine): void {
  make = maker
}

/** Returns options of a bus. Each call makes an engine with its own stream. */
export function testEngine(): { readonly engine?: LogEngine } {
  return make === null ? {} : { engine: make() }
}
