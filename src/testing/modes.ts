/** The mode of a test: what happens to the events that it publishes. */
import { inspect } from 'node:util'
import { PostbusError } from '../errors.ts'
import { notInTest } from './owner.ts'
import { reportUnasserted } from './report-unasserted.ts'
import { state } from './state.ts'
import type { EventBusMode } from './test-bus.ts'

const MODES: readonly string[] = ['mailbox', 'strict', 'inline', 'live'] satisfies readonly EventBusMode[]

/**
 * Chooses what happens to events, for every bus:
 *
 * - `mailbox` (or `default`): they are recorded, and may be asserted. Nothing fails.
 * - `strict`: they are recorded, and each must be asserted before the mode is left or the test ends.
 * - `inline`: the interested handlers run before `publish` returns, and errors reach the publisher.
 * - `live`: they go where they go in production.
 *
 * Inside a test or `beforeEach` the mode applies to this test. At a test file's top level and in `beforeAll` it is the mode
 * that tests begin with, from there to the end of the file.
 *
 * @example beforeEach(() => setEventBusMode('strict'))
 * @throws an AssertionError when strict mode is left with events that were not asserted; the mode changes nevertheless.
 * @throws {PostbusError} `POSTBUS_NOT_IN_TEST`, `POSTBUS_INVALID_OPTIONS`.
 */
export function setEventBusMode(mode: EventBusMode | 'default'): void {
  const wanted = modeNamed(mode)
  const test = state.current.getStore() ?? outside('setEventBusMode')
  const leavesStrict = test.mode === 'strict' && wanted !== 'strict'
  test.choose(wanted)
  if (leavesStrict) reportUnasserted(test, setEventBusMode)
}

/** Returns the mode of this test; outside of tests, the mode that tests begin with: `mailbox` unless chosen otherwise. */
export function getEventBusMode(): EventBusMode {
  return (state.current.getStore() ?? outside('getEventBusMode')).mode
}

function outside(caller: string) {
  if (state.installed === 0) throw notInTest(caller)
  return state.outside
}

function modeNamed(mode: string): EventBusMode {
  if (mode === 'default') return 'mailbox'
  if (isMode(mode)) return mode
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `setEventBusMode(${inspect(mode)}): there is no such mode. Expected 'mailbox' (or 'default'), 'strict', 'inline' or 'live'.`,
  )
}

function isMode(mode: string): mode is EventBusMode {
  return MODES.includes(mode)
}
