/** Binds code to a test where the async context cannot: a server that was started earlier, an emitter, a callback. */
import { EventEmitter } from 'node:events'
import { Server } from 'node:net'
import { inspect } from 'node:util'
import { partsOf } from '../publishing/backend-override.ts'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import { currentTest } from './owner.ts'
import { state } from './state.ts'
import type { TestBus } from './test-bus.ts'

/** The things that can be bound: a function (use the returned one), an emitter, an http or net server, or a bus. */
export type AllowTarget = ((...parameters: never[]) => unknown) | EventEmitter | Bus

/**
 * From now until the test ends, the code that `target` calls belongs to the test: its events, its mode, its assertions.
 *
 * - A function: returns a new function that runs it for the test. The given function does not change.
 * - An emitter: its listeners run for the test. For an http or net server, the listeners of its connections and requests do so too.
 * - A bus: events published with it belong to the test, unless another test's own code publishes them.
 *
 * @example
 * const server = allowEventBus(createServer(app)) // its requests publish for this test
 *
 * @param owner the test, as `currentTestBus()` returns it inside that test. Default: the test that calls this function.
 * @throws {PostbusError} `POSTBUS_SEVERAL_TESTS` when the target belongs to another test that is still running.
 */
export function allowEventBus<Target extends AllowTarget>(target: Target, owner?: TestBus): Target {
  const test = owner ?? currentTest('allowEventBus')
  if (!state.running.has(test)) throw notRunning(test)
  if (target instanceof EventEmitter) return bindEmitter(target, test)
  const bus = typeof target === 'object' && target !== null ? partsOf(target) : undefined
  if (bus) {
    claim(bus, test)
    return target
  }
  if (typeof target === 'function') return boundFunction(target, test)
  throw notBindable(target)
}

/** The test that this code belongs to, as the `owner` that `allowEventBus` takes. */
export function currentTestBus(): TestBus {
  return currentTest('currentTestBus')
}

function boundFunction<Target extends AllowTarget>(target: Target, test: TestBus): Target {
  return new Proxy(target, {
    apply: (called, self, parameters: unknown[]) =>
      inTest(test, () => Reflect.apply(called as (...all: unknown[]) => unknown, self, parameters)),
  })
}

function bindEmitter<Emitter extends EventEmitter>(emitter: Emitter, test: TestBus): Emitter {
  const known = state.bound.has(emitter)
  claim(emitter, test)
  if (!known) wrapEmit(emitter, emitter)
  return emitter
}

/** Makes `emit` run for the test that `key` is bound to at that moment. Without such a test, or after its end, `emit` works as before. */
function wrapEmit(emitter: EventEmitter, key: EventEmitter): void {
  const emit = emitter.emit.bind(emitter)
  emitter.emit = (name: string | symbol, ...parameters: unknown[]) => {
    const test = state.bound.get(key)
    if (!test || test.ended) return emit(name, ...parameters)
    if (key instanceof Server && emitter === key) wrapCompanions(parameters, key)
    return inTest(test, () => emit(name, ...parameters))
  }
}

/** Sockets, requests and responses emit events too, in the async context in which their connection was opened. */
function wrapCompanions(parameters: readonly unknown[], key: EventEmitter): void {
  for (const companion of parameters) {
    if (!(companion instanceof EventEmitter) || companions.has(companion)) continue
    companions.add(companion)
    wrapEmit(companion, key)
  }
}

/** The objects wrapped already, so that a connection with many requests is wrapped once. */
const companions = new WeakSet<EventEmitter>()

function inTest<Result>(test: TestBus, work: () => Result): Result {
  return test.ended ? work() : state.current.run(test, work)
}

function claim(target: object, test: TestBus): void {
  const other = state.bound.get(target)
  if (other && other !== test && !other.ended) throw alreadyBound(target, other)
  state.bound.set(target, test)
}

function alreadyBound(target: object, other: TestBus): PostbusError {
  return new PostbusError(
    'POSTBUS_SEVERAL_TESTS',
    `allowEventBus(): this ${target.constructor?.name ?? 'object'} belongs to the test "${other.name}", which is still running. ` +
      'Give each test one of its own, or bind what it calls for each request: allowEventBus(handle, owner).',
  )
}

function notRunning(test: unknown): PostbusError {
  const given = typeof test === 'object' && test !== null && 'name' in test ? `"${String(test.name)}"` : inspect(test)
  return new PostbusError(
    'POSTBUS_TEST_ENDED',
    `allowEventBus(): the owner ${given} is not a running test. Pass what currentTestBus() answers in it.`,
  )
}

function notBindable(target: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `allowEventBus(): expected a function, an EventEmitter, a server or a bus, but got ${inspect(target, { depth: 0 })}. ` +
      'Of anything else, bind the function that calls publish().',
  )
}
