/**
 * Decides before anything is stored which handlers receive each event, and encodes its data. Everything that can be refused is
 * refused here.
 */
import type { DeliveryModes, PlannedEvent } from './backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'
import { checkEnvelope } from './checks.ts'
import type { FilteredCounts } from './filtered-counts.ts'
import { refuseDelayedKey, type Due } from './due.ts'
import { PostbusError } from '../errors.ts'
import { isFollowed } from '../events/stored-as.ts'
import { isFinisher } from '../handlers/finishers.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { asHeard } from '../handlers/reading.ts'
import { isInterested, type Registry } from '../handlers/registry.ts'
import { runsInPublish } from '../handlers/transactional.ts'
import type { Emit } from '../signals.ts'

export interface PlanParts {
  readonly registry: Registry
  readonly codec: Codec
  readonly emit: Emit
  /** Adds to an event where it comes from. */
  readonly trace: (event: Envelope) => Envelope
  readonly filtered: FilteredCounts
  /** The delivery modes of handlers. Without them all handlers have deliveries. */
  readonly modes?: DeliveryModes | undefined
  /** When the events are due; `null`: at once. */
  readonly due?: Due | null
  /** `true`: handlers with `runs: 'in-transaction'` get no delivery, because the backend calls them. */
  readonly callsWithin?: boolean
}

/** Runs `interested` of every subscribed handler, synchronously. */
export function planEvents(
  events: readonly Envelope[],
  { registry, codec, emit, trace, filtered, modes, due = null, callsWithin = false }: PlanParts,
): readonly PlannedEvent[] {
  return events.map((event) => {
    checkEnvelope(event)
    const envelope = trace(event)
    const payload = codec.encode(event.data, event.type)
    const subscribed = registry.handlersOf(event)
    if (subscribed.length === 0) warnOfNoHandlers(event, registry, emit)
    if (isFollowed(event) && !subscribed.some(isFinisher)) throw unknownFollowed(event)
    const readers = modes ? subscribed.filter((handler) => modes.of(handler) !== 'job') : []
    const receivers = readers.length > 0 ? subscribed.filter((handler) => modes?.of(handler) !== 'log') : subscribed
    const interested = receivers.filter((handler) => wants(handler, envelope, registry))
    filtered.count(receivers, interested)
    const places = byPlace(interested, callsWithin)
    if (due) refuseDelayedKey(envelope, [...places.handlers, ...readers])
    const ways = readers.length > 0 && waysOf(places.handlers, { readers, isLater: due !== null })
    return { envelope, payload, ...places, ...ways, ...(modes?.epoch && { epoch: modes.epoch }), ...(due && { due }) }
  })
}

/** A delayed delivery is not held: it has no key, and waits for its time anyway. */
function waysOf(
  handlers: readonly AnyHandler[],
  { readers, isLater }: { readonly readers: readonly AnyHandler[]; readonly isLater: boolean },
): Pick<PlannedEvent, 'isRead' | 'held'> {
  const held = isLater ? [] : handlers.filter((handler) => readers.includes(handler))
  return { isRead: true, ...(held.length > 0 && { held }) }
}

function byPlace(interested: readonly AnyHandler[], callsWithin: boolean): Pick<PlannedEvent, 'handlers' | 'within'> {
  if (!callsWithin || !interested.some(runsInPublish)) return { handlers: interested }
  return {
    handlers: interested.filter((handler) => !runsInPublish(handler)),
    within: interested.filter(runsInPublish),
  }
}

/** Asks `interested` with the event in the version that the handler will get. */
export function wants(handler: AnyHandler, event: Envelope, registry: Registry): boolean {
  return handler.interested === null || isInterested(handler, asHeard(registry.readingOf(handler, event), event))
}

function unknownFollowed({ type }: Envelope): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${type} has a \`finishedEvent\`, and this bus does not know the type, so nothing would publish it. ` +
      'Give the type to the bus: createBus({ events: [ … ] }). Nothing was published.',
  )
}

function warnOfNoHandlers(event: Envelope, registry: Registry, emit: Emit): void {
  const versions = registry.versionsHandled(event.type)
  const others = versions.length > 0 ? ` (there are handlers for version ${versions.join(', ')})` : ''
  emit(
    'warn',
    'event.no-handlers',
    `${event.type} version ${event.version} has no handlers${others}: the event is stored, and no handler is called.`,
    { type: event.type, version: event.version, eventId: event.id },
  )
}
