/**
 * What the testing kit takes from outside the code: the library's only reader of `process.env`. A test run that has a
 * DATABASE_URL is meant to use it without a line in each test file, and only the runner knows which process ends last.
 */
import { isMainThread } from 'node:worker_threads'

/** The server to use instead of one of our own, if the run was given one. */
export function databaseUrl(): string | undefined {
  return process.env['DATABASE_URL'] || undefined // set to nothing means not set
}

/** The process whose end is the end of the test run: vitest's own for its workers, else this one. */
export function ownerOfRun(): number {
  const isForkOfVitest = process.env['VITEST_POOL_ID'] !== undefined && isMainThread
  return isForkOfVitest ? process.ppid : process.pid
}
