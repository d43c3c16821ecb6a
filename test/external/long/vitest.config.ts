/** Runs of some minutes against programs that must be installed: npx vitest run --config test/external/long/vitest.config.ts NAME */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  root: resolve(import.meta.dirname, '../../..'),
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/external/long/*.long.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 40 * 60_000,
    hookTimeout: 180_000,
  },
})
