/**
 * Which handlers would receive an event, and why others would not: it asks the same handlers and filters as `publish`, and
 * publishes nothing.
 */
import type { Envelope } from '../events/envelope.ts'
import { isEventType } from '../events/event.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import { isReadable } from '../handlers/reading.ts'
import { versionsOf, type Registry } from '../handlers/registry.ts'
import { subscribes, type Subscription } from '../handlers/subscription.ts'
import { runsInPublish } from '../handlers/transactional.ts'
import { checkName, queueOfEvent } from '../names.ts'
import { wants } from '../publishing/plan.ts'
import type { LaneName } from './lanes.ts'

/** A handler that listens to an event type. */
export interface ListeningHandler {
  readonly handler: string
  /** The event types and patterns of its `on`, such as `orders.order-created v1` or `orders.*`. */
  readonly listensTo: readonly string[]
  /** `true`: its `on` is `shadow(…)`. */
  readonly isShadow: boolean
  /** Its `queue`. Deliveries of events with a partition key are in the queue `<queue>_partitioned`. */
  readonly queue: string
  readonly options: AnyHandler['options']
}

/** How a handler would treat one event. */
export interface ExplainedHandler extends ListeningHandler {
  /** Whether it would receive the event. */
  readonly interested: boolean
  /**
   * Why it would not receive the event. `filtered`: its `interested` returned false. `failed`: its `interested` threw, or did not return true or
   * false, or an upcast failed; `publish` would fail with `error`. `other-version`: it listens to this event type, but not to this version.
   * `null`: it would receive the event.
   */
  readonly reason: 'filtered' | 'failed' | 'other-version' | null
  readonly error: PostbusError | null
  /** The queue in which its delivery would be. */
  readonly queue: string
  /**
   * The lane in which its delivery would be. `null`: the event has no partition key, or the handler has `ordered: false` or runs inside `publish`
   * (`options.runs`).
   */
  readonly lane: LaneName | null
}

/** Returns the handlers in the order of registration. `event` is the event as `publish` would store it. */
export function explain(registry: Registry, event: Envelope): readonly ExplainedHandler[] {
  const listening = new Set(registry.handlersOf(event))
  const others = registry.handlers.filter((handler) => versionsOf(handler, event.type).length > 0)
  const related = registry.handlers.filter((handler) => listening.has(handler) || others.includes(handler))
  return Object.freeze(
    related.map((handler) => {
      const answer = listening.has(handler) ? answerOf(handler, event, registry) : OTHER_VERSION
      return Object.freeze({ ...describe(handler), ...placeOf(handler, event), ...answer })
    }),
  )
}

/** The handlers of an event type. With a name instead of an event type: the handlers of all its versions. */
export function listeningTo(registry: Registry, type: string | AnyEventType): readonly ListeningHandler[] {
  if (!isEventType(type)) checkName(type, 'Event type', 'POSTBUS_INVALID_EVENT')
  const names = typeof type === 'string' ? registry.names.eventTypes.all(type) : []
  const listens = (handler: AnyHandler) =>
    typeof type === 'string'
      ? handler.subscriptions.some((one) => names.some((name) => hears(one, name)))
      : isReadable(registry.readingOf(handler, type))
  return described(registry.handlers.filter(listens))
}

export function described(handlers: readonly AnyHandler[]): readonly ListeningHandler[] {
  return Object.freeze(handlers.map((handler) => Object.freeze(describe(handler))))
}

function hears(subscription: Subscription, type: string): boolean {
  return subscribes(subscription, type, subscription.is === 'event-type' ? subscription.version : 1)
}

function describe({ name, subscriptions, isShadow, options }: AnyHandler): ListeningHandler {
  const listensTo = subscriptions.map((one) => (one.is === 'pattern' ? one.text : `${one.type} v${one.version}`))
  return { handler: name, listensTo, isShadow, queue: options.queue, options }
}

function placeOf(handler: AnyHandler, { partitionKey }: Envelope): Pick<ExplainedHandler, 'queue' | 'lane'> {
  if (runsInPublish(handler)) return { queue: handler.options.queue, lane: null }
  const queue = queueOfEvent(handler, partitionKey)
  if (partitionKey === null || !handler.options.ordered) return { queue, lane: null }
  return { queue, lane: Object.freeze({ handler: handler.name, partitionKey }) }
}

type Answer = Pick<ExplainedHandler, 'interested' | 'reason' | 'error'>

const INTERESTED: Answer = { interested: true, reason: null, error: null }
const FILTERED: Answer = { interested: false, reason: 'filtered', error: null }
const OTHER_VERSION: Answer = { interested: false, reason: 'other-version', error: null }

function answerOf(handler: AnyHandler, event: Envelope, registry: Registry): Answer {
  try {
    return wants(handler, event, registry) ? INTERESTED : FILTERED
  } catch (error) {
    if (!(error instanceof PostbusError)) throw error // a filter's errors all arrive as PostbusError
    return { interested: false, reason: 'failed', error }
  }
}
