/** `bus.broadcast` and `bus.listen`: checks their arguments, for every backend. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions } from '../events/publish-result.ts'
import { defineHandler, type AnyHandler } from '../handlers/handler.ts'
import type { Listening } from '../handlers/listens-to.ts'
import type { PlannedEvent } from '../publishing/backend.ts'
import { backendFor, type BusParts } from '../publishing/backend-override.ts'
import { checkEnvelope } from '../publishing/checks.ts'
import { traced } from '../publishing/trace.ts'
import { transactionFor } from '../publishing/transaction-for.ts'
import { isPlainObject } from '../realm.ts'
import type { Broadcasts, ListenOptions, StopListening } from './broadcasts.ts'
import type { BroadcastListeners } from './broadcast-listeners.ts'

export function broadcaster(parts: BusParts, listeners: BroadcastListeners): Broadcasts {
  async function broadcast(events: Envelope | readonly Envelope[], options: PublishOptions = {}): Promise<void> {
    const backend = backendFor(parts, broadcast) // before the first await, as in `publish`
    const trace = traced(parts.source)
    const tx = transactionFor(options, parts.ambient, { call: broadcast, named: 'broadcast()' })
    const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
    const planned = list.map((event) => plannedAs(event, parts, trace))
    if (planned.length > 0) await backend.broadcast(planned, tx)
  }

  async function listen(on: Listening, fn: unknown, options: ListenOptions = {}): Promise<StopListening> {
    const listener = { handler: listening(on, fn), onMissed: checked(options).onMissed }
    const backend = backendFor(parts, listen)
    await parts.registry.load()
    const remove = listeners.add(listener) // before LISTEN begins: so no event is missed at that moment
    try {
      const giveUp = await backend.hear()
      const stop = async () => {
        remove()
        await giveUp()
      }
      return Object.assign(stop, { [Symbol.asyncDispose]: stop })
    } catch (error) {
      remove()
      throw error
    }
  }

  return { broadcast, listen }
}

/** Plans an event that no handler receives. */
function plannedAs(event: Envelope, { codec, defaults }: BusParts, trace: (event: Envelope) => Envelope): PlannedEvent {
  checkEnvelope(event)
  return { envelope: trace(defaults(event)), handlers: [], payload: codec.encode(event.data, event.type) }
}

/** Makes a handler that is never registered. */
function listening(on: Listening, fn: unknown): AnyHandler {
  if (typeof fn !== 'function') throw invalid('expected a function second: what to call with each event.')
  const handler = defineHandler('bus.listen', { on, handle: fn as never })
  if (!handler.isShadow) return handler
  throw invalid('`on` is shadow(…): a broadcast is not stored, so that its data could not be fetched later.')
}

function checked(options: ListenOptions): ListenOptions {
  const given: unknown = options // JavaScript may pass anything
  if (!isPlainObject(given)) throw invalid('expected an object of options third, such as { onMissed }.')
  const stranger = Object.keys(given).find((field) => field !== 'onMissed')
  if (stranger !== undefined) throw invalid(`"${stranger}" is not an option. There is: onMissed.`)
  if (options.onMissed !== undefined && typeof options.onMissed !== 'function')
    throw invalid('`onMissed` is not a function.')
  return options
}

function invalid(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `bus.listen(): ${problem}`)
}
