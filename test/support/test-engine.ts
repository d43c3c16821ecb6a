/** The engine that all buses of `openTestBus` get. Most tests have none; `test/external/engine-setup.ts` runs tests with one. */
import type { LogEngine } from '../../src/jetstream/index.ts'

let make: (() => LogEngine) | null = null

export function useTestEngine(maker: () => LogEngine): void {
  make = maker
}

/** Options of a bus. Each call makes an engine with a stream of its own. */
export function testEngine(): { readonly engine?: LogEngine } {
  return make === null ? {} : { engine: make() }
}
