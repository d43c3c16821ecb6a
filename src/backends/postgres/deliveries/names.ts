/**
 * Translates names of handlers and event types: a worker sees only their present names, and the database has only their stored
 * names. Nothing is copied if nothing was renamed.
 */
import type { ClaimBounds, Claimed, ClaimedDelivery, Settled, StoredEvent } from '../../../deliveries/delivery.ts'
import type { DeliveryStore } from '../../../deliveries/delivery-store.ts'
import { PLAIN_NAMES, type NameTable, type StoredNames } from '../../../handlers/stored-names.ts'
import type { Backend, PlannedEvent } from '../../../publishing/backend.ts'
import type { LazyRegistry } from '../../../handlers/lazy-registry.ts'

/** A worker claims after its handlers have been imported: see `WorkerParts.plan`. */
export function withPresentNames(store: DeliveryStore, registry: LazyRegistry): DeliveryStore {
  const names = () => registry.loaded()?.names ?? PLAIN_NAMES
  return {
    ...store,
    prepare(queues, shadows = [], transactional = []) {
      const { handlers } = names()
      return store.prepare(
        queues,
        shadows.map((name) => handlers.stored(name)),
        transactional, // settlements have present names too
      )
    },
    async claim(queue, limit, bounds) {
      const known = names()
      if (isPlain(known)) return store.claim(queue, limit, bounds)
      return claimedAs(known, await store.claim(queue, limit, boundsIn(known, bounds)))
    },
    async settle(queue, settlements) {
      const settled = await store.settle(queue, settlements)
      const known = names()
      return isPlain(known) ? settled : settledAs(known, settled)
    },
    async deliveriesOf(event) {
      const { handlers } = names()
      return (await store.deliveriesOf(event)).map((one) => ({ ...one, handler: handlers.shown(one.handler) }))
    },
    count(counts) {
      const { handlers } = names()
      return store.count(counts.map((one) => ({ ...one, handler: handlers.stored(one.handler) })))
    },
    pace: {
      grant: (granting) => store.pace.grant({ ...granting, handler: names().handlers.stored(granting.handler) }),
      circuitFailed: (failure) =>
        store.pace.circuitFailed({ ...failure, handler: names().handlers.stored(failure.handler) }),
      circuitPassed: (handler) => store.pace.circuitPassed(names().handlers.stored(handler)),
    },
    log: {
      ...store.log,
      async read(piece) {
        const events = await store.log.read(piece)
        const known = names()
        return isPlain(known) ? events : events.map((event) => eventAs(known, event))
      },
      async numbered(numbers) {
        const events = await store.log.numbered(numbers)
        const known = names()
        return isPlain(known) ? events : events.map((event) => eventAs(known, event))
      },
      shown(event) {
        const known = names()
        return isPlain(known) ? event : eventAs(known, event)
      },
    },
    announce(worker) {
      const { handlers } = names()
      return store.announce({ ...worker, handlers: worker.handlers.map((name) => handlers.stored(name)) })
    },
  }
}

/** An event names the handler that caused it. Like every name of a handler, it is stored as the handler's first name. */
export function publishingFirstNames(backend: Pick<Backend, 'publish'>, registry: LazyRegistry): Backend['publish'] {
  return (events, tx) => {
    const { handlers } = registry.loaded()?.names ?? PLAIN_NAMES
    return backend.publish(handlers.isPlain ? events : events.map((planned) => causeAs(handlers, planned)), tx)
  }
}

function causeAs(handlers: NameTable, planned: PlannedEvent): PlannedEvent {
  const { causedByHandler } = planned.envelope
  if (causedByHandler === null) return planned
  return { ...planned, envelope: { ...planned.envelope, causedByHandler: handlers.stored(causedByHandler) } }
}

function isPlain({ handlers, eventTypes }: StoredNames): boolean {
  return handlers.isPlain && eventTypes.isPlain
}

function boundsIn({ handlers }: StoredNames, bounds: ClaimBounds = {}): ClaimBounds {
  const { rooms } = bounds
  if (!rooms) return bounds
  return { ...bounds, rooms: rooms.map((room) => ({ ...room, handler: handlers.stored(room.handler) })) }
}

function claimedAs(names: StoredNames, claimed: Claimed): Claimed {
  return {
    ...claimed,
    deliveries: claimed.deliveries.map((delivery) => deliveryAs(names, delivery)),
    heldBack: claimed.heldBack.map((name) => names.handlers.shown(name)),
  }
}

function settledAs(names: StoredNames, settled: Settled): Settled {
  return {
    ...settled,
    next: new Map(Array.from(settled.next, ([id, next]) => [id, deliveryAs(names, next)])),
    behind: new Map(
      Array.from(settled.behind, ([id, behind]) => [id, behind.map((delivery) => deliveryAs(names, delivery))]),
    ),
  }
}

function deliveryAs(names: StoredNames, delivery: ClaimedDelivery): ClaimedDelivery {
  const { event, behind } = delivery
  return {
    ...delivery,
    handler: names.handlers.shown(delivery.handler),
    event: event && eventAs(names, event),
    behind: behind.length === 0 ? behind : behind.map((next) => deliveryAs(names, next)),
  }
}

/** The stored event, with the present names of its type and of the handler that caused it. */
export function eventAs<Event extends StoredEvent>({ handlers, eventTypes }: StoredNames, event: Event): Event {
  const rest = handlers.isPlain ? event.rest : restAs(handlers, event.rest)
  const type = eventTypes.shown(event.type)
  return type === event.type ? { ...event, rest } : { ...event, rest, type, storedType: event.type }
}

function restAs(handlers: NameTable, rest: string | null): string | null {
  if (rest === null) return null
  const { caused_by_handler: by = null, ...others } = JSON.parse(rest) as { readonly caused_by_handler?: string | null }
  return by === null ? rest : JSON.stringify({ ...others, caused_by_handler: handlers.shown(by) })
}
