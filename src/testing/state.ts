/** What the testing kit knows about the tests of this process. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { TestBus } from './test-bus.ts'

export interface TestingState {
  /** The test that the running code belongs to. */
  readonly current: AsyncLocalStorage<TestBus>
  readonly running: Set<TestBus>
  /** Stands for all code outside of tests. Its mode is the one that tests begin with. */
  outside: TestBus
  /** How many setups are active. If none is, the kit does nothing, and buses use their own backends. */
  installed: number
  /** Restores Node's own sockets. */
  restoreConnections: (() => void) | null
  /** The objects that `allowEventBus` has bound to a test: emitters, and the parts of buses. */
  readonly bound: WeakMap<object, TestBus>
  /** Events published by code of tests that had ended. Failure messages name them, since a running test may miss them. */
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
