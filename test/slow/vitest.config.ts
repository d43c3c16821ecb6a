/** The tests of `files.ts`: `npm run test:slow`. */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { SLOW } from './files.ts'

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: [...SLOW],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
