/**
 * `npm run chaos`: an hour of random faults against publishers and workers, and a verdict. `--minutes N` for another length, `--seed N`
 * to repeat the same faults. The exit code is 1 when a promise was broken.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    chaos: { readonly minutes: number; readonly seed: number }
  }
}

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 60)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('Usage: npm run chaos -- [--minutes N] [--seed N]')

const vitest = await startVitest('test', [], {
  config: resolve(import.meta.dirname, 'vitest.config.ts'),
  watch: false,
  provide: { chaos: { minutes, seed } },
})
await vitest.close()
