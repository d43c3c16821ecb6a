/** The runs that take too long for every day: npx vitest run --config test/faults/long/vitest.config.ts */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  root: resolve(import.meta.dirname, '../../..'),
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/faults/long/*.long.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 40 * 60_000,
    hookTimeout: 60_000,
  },
})
