/** What the testing kit knows about the tests of this process. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { TestBus } from './test-bus.ts'

export interface TestingState {
  /** The test that the running code belongs to. */
  readonly current: AsyncLocalStorage<TestBus>
  readonly running: Set<TestBus>
  /** Everything outside of tests: its mode is the one that tests begin with. */
  outside: TestBus
  /** How many setups are in place. None: the kit does nothing, and buses are on their own. */
  installed: number
  /** Puts connections back to what Node makes of them. */
  restoreConnections: (() => void) | null
  /** What `allowEventBus` has bound to a test: emitters, and the parts of buses. */
  readonly bound: WeakMap<object, TestBus>
  /** Events of tests that had ended, for the failure messages of the tests that may miss them. */
  readonly late: { readonly type: string; readonly test: string }[]
}

const KEY = Symbol.for('postbus.testing')
const place = globalThis as typeof globalThis & { [KEY]?: TestingState }

/** On globalThis, because a test runner may load this module once for the setup file and again for the tests. */
export const state: TestingState = (place[KEY] ??= {
  current: new AsyncLocalStorage(),
  running: new Set(),
  outside: new TestBus('outside of any test', null),
  installed: 0,
  restoreConnections: null,
  bound: new WeakMap(),
  late: [],
})
