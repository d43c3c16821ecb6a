/**
 * `defineRelay` declares a handler that passes events to another system, such as a broker or a webhook. A relay has everything that a handler
 * has: retries, order per key, dead letters, replay, rate limits.
 */
import { callerOf } from '../events/defined-at.ts'
import type { Envelope } from '../events/envelope.ts'
import { handlerFrom, invalid, type Handler, type HandlerDefinition } from '../handlers/handler.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { Listening } from '../handlers/listens-to.ts'
import { isShadow } from '../handlers/shadow.ts'
import { formatProblem, messagesIn, type MessageOptions } from './formats.ts'
import type { RelayAnswer, RelayContext, RelayTarget } from './target.ts'

export interface RelayDefinition<Listens extends Listening>
  extends Omit<HandlerDefinition<Listens, unknown>, 'handle' | 'transactional' | 'runs'>, MessageOptions {
  /** Where the events go. Several relays may share a target. */
  readonly to: RelayTarget
}

/** A relay: a handler like any other. */
export type Relay<Name extends string = string, Listens extends Listening = Listening> = Handler<
  Name,
  Listens,
  Promise<RelayAnswer | void>
>

/**
 * Declares a relay. Give it to the bus with the other handlers.
 *
 * @example
 * const toWarehouse = defineRelay('warehouse.orders', {
 *   on: 'orders.*',
 *   to: webhookTarget({ endpoint: { url: 'https://warehouse.example/hook', secret } }),
 *   maxAttempts: 20,
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_HANDLER` when a name or an option cannot be used.
 */
export function defineRelay<const Name extends string, const Listens extends Listening>(
  name: Name,
  definition: RelayDefinition<Listens>,
): Relay<Name, Listens> {
  const { to, format, source, type, dataSchema, extensions, data, codecs, ...rest } = definition
  checkRelay(name, definition)
  const chosen = format ?? to.format ?? 'cloudevents'
  const messageOf = messagesIn(chosen, { source, type, dataSchema, extensions, data, codecs })

  async function handle(event: Envelope, context: HandlerContext): Promise<RelayAnswer | void> {
    return to.send(await messageOf(event), relayContext(name, event, context))
  }

  const made = { batch: null, definedAt: callerOf(defineRelay), close: async () => to.close?.() }
  // The registry passes only events that the relay listens to; only the types of `handle` are lost here.
  return handlerFrom(name, { ...rest, handle }, made) as unknown as Relay<Name, Listens>
}

function relayContext(relay: string, event: Envelope, context: HandlerContext): RelayContext {
  const { attempt, maxAttempts, deliveryId, isReplay, replayId, signal, log } = context
  return Object.freeze({ relay, event, attempt, maxAttempts, deliveryId, isReplay, replayId, signal, log })
}

/** Options of handlers that a relay does not have. A message that is sent cannot be part of a transaction. */
const NOT_FOR_RELAYS = ['transactional', 'runs', 'handle']

function checkRelay(name: string, definition: RelayDefinition<Listening>): void {
  const { on, to } = definition
  const stranger = NOT_FOR_RELAYS.find((option) => Reflect.get(definition, option) !== undefined)
  if (stranger !== undefined)
    throw invalid(name, `expected no \`${stranger}\`: a relay sends in a worker. Take it out.`)
  if (typeof to?.send !== 'function')
    throw invalid(name, 'expected `to` to be a target: an object with `name` and `send`.')
  if (isShadow(on)) throw invalid(name, 'expected no `shadow(…)` in `on`: a relay sends the data. Take it out.')
  const problem = formatProblem(definition)
  if (problem !== null) throw invalid(name, problem)
}
