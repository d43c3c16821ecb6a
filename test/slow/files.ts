/**
 * Tests that take a core for long: whole runs of vitest inside of tests, many servers, many processes. `npm run test:slow` runs them, and
 * `npm test` does not, which is to end within 20 minutes on two cores.
 */
export const SLOW: readonly string[] = [
  'test/faults/f05-launchers.test.ts',
  'test/faults/f08-cpu-bound.test.ts',
  'test/faults/held-up-heartbeats.test.ts',
  'test/faults/order-under-load.test.ts',
  'test/faults/transactional-kills.test.ts',
  'test/faults/trees-under-kills.test.ts',
  'test/integration/bench.test.ts',
  'test/integration/dead-letters-many.test.ts',
  'test/integration/embedded-postgres.test.ts',
  'test/integration/handler-concurrency.test.ts',
  'test/integration/heartbeats.test.ts',
  'test/integration/first-app-clients.test.ts',
  'test/integration/many-queues.test.ts',
  'test/integration/migrate-at-once.test.ts',
  'test/integration/odd-surroundings.test.ts',
  'test/integration/quick-start.test.ts',
  'test/integration/set-aside.test.ts',
  'test/testing/failing-tests.test.ts',
  'test/testing/live/recipes.test.ts',
  'test/testing/live/whole-run.test.ts',
  'test/testing/recipes.test.ts',
  'test/testing/sample-app.test.ts',
]
