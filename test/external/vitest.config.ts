/** Tests that need programs that must be installed separately: `npm run test:external`. They fail when a program is missing. */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/external/**/*.external.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
