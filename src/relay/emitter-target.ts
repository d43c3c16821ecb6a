/** The target that emits events in this process, for code that listens to an `EventEmitter` or an `EventEmitter2`. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import { skip } from '../handlers/outcome.ts'
import { addressOf } from './cloud-event.ts'
import type { RelayMessage } from './message.ts'
import type { RelayTarget } from './target.ts'

type Listener = (...values: never[]) => unknown

/** What it needs of an emitter: that of Node has the first, EventEmitter2 has both. */
export interface Emitter {
  rawListeners?(name: string): readonly unknown[]
  emitAsync?(name: string, ...values: unknown[]): Promise<unknown>
}

export interface EmitterOptions {
  /** The name that listeners listen to. Default: the event type's name. */
  readonly eventName?: ((event: Envelope) => string) | undefined
  /** What listeners are called with. Default: the event. */
  readonly values?: ((event: Envelope) => readonly unknown[]) | undefined
}

/**
 * Makes a target that calls the listeners of an emitter in the process of the worker, and waits for all of them. If one throws or rejects, the
 * attempt has failed, and the next one calls all of them again. Without a listener, the event is recorded as skipped.
 *
 * @example
 * const toListeners = defineRelay('legacy.emitter', {
 *   on: 'orders.*',
 *   to: emitterTarget(emitter, { values: ({ data }) => [data] }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the emitter is none.
 */
export function emitterTarget(emitter: Emitter, { eventName, values }: EmitterOptions = {}): RelayTarget {
  if (typeof emitter?.emitAsync !== 'function' && typeof emitter?.rawListeners !== 'function') throw notAnEmitter()

  async function callAll(name: string, given: readonly unknown[]): Promise<number> {
    if (emitter.emitAsync) {
      const results = await emitter.emitAsync(name, ...given)
      return Array.isArray(results) ? results.length : 0
    }
    // `emit` would not wait for promises. Raw listeners of `once` take themselves away when they are called.
    const listeners = (emitter.rawListeners?.(name) ?? []) as readonly Listener[]
    await allOf(listeners.map(async (listener) => listener.apply(emitter as never, given as never[])))
    return listeners.length
  }

  return Object.freeze({
    name: 'emitter',
    format: bare,
    async send(_: RelayMessage, { event }) {
      const name = eventName?.(event) ?? event.type
      const called = await callAll(name, values?.(event) ?? [event])
      return called === 0 ? skip(`nothing listens to ${name}`) : undefined
    },
  } satisfies RelayTarget)
}

/** Listeners are given the event itself. */
function bare(event: Envelope): RelayMessage {
  return { ...addressOf(event), contentType: 'application/octet-stream', attributes: {}, body: '' }
}

/** Waits for all, also where one fails: the next attempt must not begin while a listener still runs. */
async function allOf(calls: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(calls)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}

function notAnEmitter(): PostbusError {
  const found = 'expected an EventEmitter of `node:events`, or an EventEmitter2'
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `emitterTarget(): ${found}.`)
}
