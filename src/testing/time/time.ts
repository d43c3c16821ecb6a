/**
 * Time travel: moves the clock that decides when deliveries are due, for retries, snoozes and delays that take longer
 * than a test. It is the clock of the bus's database, so every bus and worker on it sees the new time. JavaScript's
 * `Date` is left alone: your test framework's fake timers move that one.
 */
import { types } from 'node:util'
import type { Bus } from '../../bus.ts'
import { PostbusError } from '../../errors.ts'
import type { PublishTransaction } from '../../transactions/transaction.ts'
import { busUnderTest } from '../database/current-bus.ts'
import { inside } from '../drain/in-transaction.ts'
import { testClock, type TestClock } from './test-clock.ts'
import { millisecondsIn, type TimeSpan } from './time-span.ts'

export type { TimeSpan } from './time-span.ts'

export interface TimeOptions {
  /** The bus whose database has the clock. Default: the bus of the test's `testDatabase()`. */
  readonly bus?: Bus | undefined
  /** Moves the time for this transaction alone, until it is rolled back. */
  readonly tx?: PublishTransaction | undefined
}

/**
 * Lets this much time pass for deliveries: deliveries that wait for less time become due. Runs no handler; `drainEvents()` does.
 *
 * @example await advanceTime({ hours: 2 })
 * @throws {PostbusError} `POSTBUS_NOT_A_TEST_DATABASE` where the database's name does not say that it is for tests.
 */
export async function advanceTime(by: TimeSpan, options: TimeOptions = {}): Promise<void> {
  const ms = millisecondsIn('advanceTime()', by)
  await (await clockOf(options)).advance(ms)
}

/** Goes to a point in time, forwards or backwards. From there on time passes as usual. */
export async function travelTo(time: Date, options: TimeOptions = {}): Promise<void> {
  if (!types.isDate(time) || Number.isNaN(time.getTime())) {
    throw new PostbusError('POSTBUS_INVALID_OPTIONS', 'travelTo(): expected a valid Date.')
  }
  await (await clockOf(options)).set(time)
}

/** Returns what time it is for deliveries. */
export async function currentTime(options: TimeOptions = {}): Promise<Date> {
  return (await clockOf(options)).now()
}

/** Goes back to the real time. A `testDatabase()` does this itself before each test. */
export async function resetTime(options: TimeOptions = {}): Promise<void> {
  await (await clockOf(options)).reset()
}

async function clockOf({ bus, tx }: TimeOptions): Promise<TestClock> {
  const parts = busUnderTest(bus)
  return testClock(parts.backend, tx === undefined ? undefined : inside(tx, parts).database)
}
