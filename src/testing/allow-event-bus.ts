/** Binds to a test what the async context cannot lead to it: a server that was started before, an emitter, a callback. */
import { EventEmitter } from 'node:events'
import { Server } from 'node:net'
import { inspect } from 'node:util'
import { partsOf } from '../publishing/backend-override.ts'
import type { Bus } from '../bus.ts'
import { PostbusError } from '../errors.ts'
import { currentTest } from './owner.ts'
import { state } from './state.ts'
import type { TestBus } from './test-bus.ts'

/** What can be bound: a function (use the one that is returned), an emitter, an http or net server, or a bus. */
export type AllowTarget = ((...parameters: never[]) => unknown) | EventEmitter | Bus

/**
 * From now until the test ends, what `target` calls belongs to the test: its events, its mode, its assertions.
 *
 * - A function: returns a function that runs it for the test. The given one stays as it is.
 * - An emitter: its listeners run for the test. Of an http or net server also those of its connections and requests.
 * - A bus: what is published with it belongs to the test, unless another test's own code publishes.
 *
 * @example
 * const server = allowEventBus(createServer(app)) // its requests publish for this test
 *
 * @param owner the test, as `currentTestBus()` returns it there. Default: the test that calls this.
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

/** `emit` runs for whichever test `key` is bound to at that moment, and as before when there is none. */
function wrapEmit(emitter: EventEmitter, key: EventEmitter): void {
  const emit = emitter.emit.bind(emitter)
  emitter.emit = (name: string | symbol, ...parameters: unknown[]) => {
    const test = state.bound.get(key)
    if (!test || test.ended) return emit(name, ...parameters)
    if (key instanceof Server && emitter === key) wrapCompanions(parameters, key)
    return inTest(test, () => emit(name, ...parameters))
  }
}

/** Sockets, requests and responses have a life of their own, in the context in which the connection was opened. */
function wrapCompanions(parameters: readonly unknown[], key: EventEmitter): void {
  for (const companion of parameters) {
    if (!(companion instanceof EventEmitter) || companions.has(companion)) continue
    companions.add(companion)
    wrapEmit(companion, key)
  }
}

/** So that a connection with many requests is wrapped once. */
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
