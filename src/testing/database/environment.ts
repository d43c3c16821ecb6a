/**
 * Reads the environment variables that the testing kit uses; apart from the CLI, no other part of Postbus reads any. A test
 * run that has a DATABASE_URL uses it without a line in each test file, and only the runner knows which process ends last.
 */
import { isMainThread } from 'node:worker_threads'

/** The server to use instead of one of our own, if DATABASE_URL is set. */
export function databaseUrl(): string | undefined {
  return process.env['DATABASE_URL'] || undefined // an empty value counts as not set
}

/** The pid of the process that ends last in the test run: vitest's main process if this is a fork of it, else this process. */
export function ownerOfRun(): number {
  const isForkOfVitest = process.env['VITEST_POOL_ID'] !== undefined && isMainThread
  return isForkOfVitest ? process.ppid : process.pid
}
