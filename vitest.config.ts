/** How the tests run: against a real Postgres, which `global-setup.ts` picks, three files at a time: many of them wait for a timeout. */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// Test processes, and the many commands that tests run, begin in half the time when what they import is compiled already.
process.env['NODE_COMPILE_CACHE'] ??= resolve(import.meta.dirname, '.postbus/compile-cache')

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/readme-blocks/**'], // their own tests run them
    pool: 'forks',
    maxWorkers: 3,
    maxConcurrency: 8, // tests that run side by side wait most of the time
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
