/** Tests that need programs that must be installed separately: `npm run test:external`. They fail when a program is missing. */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The tests of handlers that read the log, once more with JetStream as the engine. */
const WITH_ENGINE = [
  'test/integration/log-{handlers,handlers-beside,seen,batches,transactional,forget}.test.ts',
  'test/integration/on-time-log-handlers.test.ts',
  'test/integration/delivery-changes{,-seen}.test.ts',
  'test/integration/{circuit-breaker,middleware,pace,backlog}.test.ts',
  'test/conformance/transactional-batches.test.ts',
]

const test = {
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const

// oxlint-disable-next-line import/no-default-export -- vitest asks for it
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    maxWorkers: 1,
    projects: [
      { test: { ...test, name: 'external', include: ['test/external/**/*.external.ts'] } },
      { test: { ...test, name: 'engine', include: WITH_ENGINE, setupFiles: ['test/external/engine-setup.ts'] } },
    ],
  },
})
