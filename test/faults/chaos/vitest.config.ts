/** The vitest configuration of the chaos run: one test, which takes as long as the command line says. */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  root: resolve(import.meta.dirname, '../../..'),
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/faults/chaos/*.chaos.ts'],
    pool: 'forks',
    disableConsoleIntercept: true,
    testTimeout: 0,
    hookTimeout: 60_000,
  },
})
