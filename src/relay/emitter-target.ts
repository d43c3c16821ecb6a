/** The target that emits events in this process, for code that listens to an `EventEmitter` or an `EventEmitter2`. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import { skip } from '../handlers/outcome.ts'
import { addressOf } from './cloud-event.ts'
import type { RelayMessage } from './message.ts'
import type { RelayTarget } from './target.ts'

type Listener = (...values: never[]) => unknown

/** The methods that a target uses: `rawListeners` of Node's `EventEmitter`, the others of an `EventEmitter2`. */
export interface Emitter {
  rawListeners?(name: string): readonly unknown[]
  listeners?(name: string): readonly unknown[]
  listenersAny?(): readonly unknown[]
}

/** An EventEmitter2 tells its listeners the name of the event in this property. */
interface Named extends Emitter {
  event?: string
}

export interface EmitterOptions {
  /** The name that listeners listen to. Default: the event type's name. */
  readonly eventName?: ((event: Envelope) => string) | undefined
  /** The arguments that listeners are called with. Default: the event. */
  readonly values?: ((event: Envelope) => readonly unknown[]) | undefined
}

/**
 * Makes a target that calls the listeners of an emitter in the process of the worker, and waits for all of them. If one throws or rejects, the
 * attempt has failed, and the next attempt calls all listeners again. If there is no listener, the event is recorded as skipped.
 *
 * @example
 * const toListeners = defineRelay('legacy.emitter', {
 *   on: 'orders.*',
 *   to: emitterTarget(emitter, { values: ({ data }) => [data] }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when `emitter` is not an emitter.
 */
export function emitterTarget(emitter: Emitter, { eventName, values }: EmitterOptions = {}): RelayTarget {
  const isEventEmitter2 = typeof emitter?.listenersAny === 'function' && typeof emitter.listeners === 'function'
  if (!isEventEmitter2 && typeof emitter?.rawListeners !== 'function') throw notAnEmitter()

  // `emit` would wait for no promise, and `emitAsync` of an EventEmitter2 only until the first one rejects.
  async function callAll(name: string, given: readonly unknown[]): Promise<number> {
    const calls = isEventEmitter2 ? callsOfEventEmitter2(emitter, name, given) : callsOf(emitter, name, given)
    await allOf(calls)
    return calls.length
  }

  return Object.freeze({
    name: 'emitter',
    format: bare,
    async send(_: RelayMessage, { event }) {
      const name = eventName?.(event) ?? event.type
      const count = await callAll(name, values?.(event) ?? [event])
      return count === 0 ? skip(`nothing listens to ${name}`) : undefined
    },
  } satisfies RelayTarget)
}

/** Raw listeners of `once` remove themselves when they are called. */
function callsOf(emitter: Emitter, name: string, values: readonly unknown[]) {
  return (emitter.rawListeners?.(name) ?? []).map((listener) => called(emitter, listener, values))
}

/** As in its `emitAsync`, listeners of all events come first, and get the name too. The lists are copied: a listener may remove itself. */
function callsOfEventEmitter2(emitter: Named, name: string, values: readonly unknown[]) {
  const forAll = [...(emitter.listenersAny?.() ?? [])]
  const listeners = [...(emitter.listeners?.(name) ?? [])]
  const call = (listener: unknown, given: readonly unknown[]) => {
    emitter.event = name
    return called(emitter, listener, given)
  }
  return [
    ...forAll.map((listener) => call(listener, [name, ...values])),
    ...listeners.map((listener) => call(listener, values)),
  ]
}

async function called(emitter: Emitter, listener: unknown, values: readonly unknown[]): Promise<unknown> {
  return (listener as Listener).apply(emitter as never, values as never[])
}

/** The body is empty, because listeners receive the event itself. */
function bare(event: Envelope): RelayMessage {
  return { ...addressOf(event), contentType: 'application/octet-stream', attributes: {}, body: '' }
}

/** Waits for all calls, even if one fails: the next attempt must not begin while a listener still runs. */
async function allOf(calls: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(calls)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}

function notAnEmitter(): PostbusError {
  const found = 'expected an EventEmitter of `node:events`, or an EventEmitter2'
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `emitterTarget(): ${found}.`)
}
