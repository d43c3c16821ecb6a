/**
 * How the tests run: against a real Postgres, which `global-setup.ts` picks, three files at a time: many of them wait for a timeout.
 * Small ones without a database share their process and its modules.
 */
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { SLOW } from './test/slow/files.ts'

// Test processes, and the many commands that tests run, begin in half the time when what they import is compiled already.
process.env['NODE_COMPILE_CACHE'] ??= resolve(import.meta.dirname, '.postbus/compile-cache')

const TOGETHER = ['test/types/**/*.test.ts', 'test/unit/**/*.test.ts']
/** They fake the clock before anything has read it. */
const ALONE = [
  'test/unit/attempt/{context,deadlines}.test.ts',
  'test/unit/jetstream/stream-lease.test.ts',
  'test/unit/events/event-id.test.ts',
  'test/unit/tenants/*.test.ts',
  'test/unit/worker/*.test.ts',
]

const test = {
  pool: 'forks',
  maxConcurrency: 8, // tests that run side by side wait most of the time
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    maxWorkers: 3,
    projects: [
      { test: { ...test, name: 'together', include: TOGETHER, exclude: ALONE, isolate: false } },
      { test: { ...test, name: 'alone', include: ['test/**/*.test.ts'], exclude: [...TOGETHER, ...SLOW] } },
      { test: { ...test, name: 'clocks', include: ALONE } },
    ],
  },
})
