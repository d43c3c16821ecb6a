/** How the tests run: against a real Postgres, which `global-setup.ts` picks, three files at a time: many of them wait for a timeout. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/readme-blocks/**'], // their own tests run them
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
