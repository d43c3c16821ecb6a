/** Finds the test that an event belongs to: for code inside a test, for code bound to one, and for code that is neither. */
import type { BusParts } from '../publishing/backend-override.ts'
import { PostbusError } from '../errors.ts'
import { state } from './state.ts'
import type { TestBus } from './test-bus.ts'

export type Owner =
  | { readonly is: 'test'; readonly test: TestBus }
  | { readonly is: 'nobody' }
  | { readonly is: 'unclear'; readonly tests: readonly TestBus[] }

/**
 * Returns the owner of a publish with this bus: the running test whose code publishes, else the running test that the bus is
 * bound to, else the only running test. Code that an ended test started does not pass to the only running test: the ended test
 * stays its owner.
 */
export function ownerOf(bus: BusParts): Owner {
  const here = state.current.getStore()
  if (here && !here.ended) return { is: 'test', test: here }
  const bound = boundOf(bus)
  if (bound && !bound.ended) return { is: 'test', test: bound }
  return here ? { is: 'test', test: here } : onlyTest()
}

/** A bus of a tenant belongs to the test of the bus that it was made from, unless it is bound itself. */
function boundOf(bus: BusParts): TestBus | undefined {
  return state.bound.get(bus) ?? (bus.parent ? boundOf(bus.parent) : undefined)
}

/** @throws {PostbusError} `POSTBUS_NOT_IN_TEST` or `POSTBUS_SEVERAL_TESTS`, each with what to do about it. */
export function currentTest(caller: string): TestBus {
  const here = state.current.getStore()
  if (here) return here
  const owner = onlyTest()
  if (owner.is === 'test') return owner.test
  throw owner.is === 'unclear' ? severalTests(`${caller}()`, owner.tests) : notInTest(caller)
}

export function severalTests(what: string, tests: readonly TestBus[]): PostbusError {
  const names = tests.map(({ name }) => `"${name}"`).join(', ')
  return new PostbusError(
    'POSTBUS_SEVERAL_TESTS',
    `${what}: this code was not started by a test, and several tests are running (${names}), so it is not clear whose it is. ` +
      'Bind what calls it (a function, an emitter, a server or the bus) to its test with allowEventBus(target), ' +
      'or do not run these tests concurrently.',
  )
}

export function notInTest(caller: string): PostbusError {
  const why =
    state.installed > 0
      ? 'no test is running here. Call it inside a test or its hooks.'
      : "the testing kit is not set up. In vitest.config.ts write setupFiles: ['postbus/vitest']; with other runners wrap the test in withTestBus(async () => { … })."
  return new PostbusError('POSTBUS_NOT_IN_TEST', `${caller}(): ${why}`)
}

function onlyTest(): Owner {
  const tests = [...state.running].filter(({ inner }) => inner === 0)
  const [test, another] = tests
  if (!test) return { is: 'nobody' }
  return another ? { is: 'unclear', tests } : { is: 'test', test }
}
