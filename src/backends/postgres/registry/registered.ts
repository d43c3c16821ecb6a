/** What a bus registers for SQL publishers: its event types under each of their names, and their handlers. Patterns are resolved here. */
import { createHash } from 'node:crypto'
import type { Envelope } from '../../../events/envelope.ts'
import { detailsOf } from '../../../events/event-details.ts'
import { missingUpcast } from '../../../events/upcasts.ts'
import { isFinisher } from '../../../handlers/finishers.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { AnyEventType } from '../../../handlers/listens-to.ts'
import { isLogHandler, shardsOf } from '../../../handlers/log-delivery.ts'
import { isOrdered } from '../../../handlers/pace.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { runsInPublish } from '../../../handlers/transactional.ts'
import { partitionedQueue, storedName } from '../../../names.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'

/** A row of `registered_type`, without its service. */
interface RegisteredType {
  readonly name: string
  readonly version: number
  readonly type: string
  readonly is_keyed: boolean
  readonly retain_ms: number | null
  readonly ttl_ms: number | null
  readonly max_bytes: number
}

/** A row of `subscription`, without its service. */
interface RegisteredSubscription {
  readonly type: string
  readonly version: number
  readonly handler: string
  readonly handler_hash: string
  readonly ord: number
  readonly delivery: 'job' | 'log' | 'within'
  readonly queue: string
  readonly keyed_queue: string
  readonly is_ordered: boolean
  readonly priority: number
  readonly is_backfilled: boolean
  readonly is_finisher: boolean
  /** A shadow with `interested`: its claims come without the data that `interested` needs. */
  readonly is_asked_blind: boolean
}

export interface Registered {
  /** Equal registrations have equal digests. */
  readonly digest: string
  readonly types: readonly RegisteredType[]
  readonly subscriptions: readonly RegisteredSubscription[]
}

export interface RegisteringBus {
  readonly ttlMs?: number | undefined
  readonly maxPayloadBytes: number
}

export function registeredOf(registry: Registry, bus: RegisteringBus): Registered {
  const publishable = publishableIn(registry.eventTypes)
  const types = publishable.flatMap(({ eventType, version }) =>
    registry.names.eventTypes.all(eventType.type).map((name) => typeRow(name, { eventType, version, bus })),
  )
  const subscriptions = publishable.flatMap(({ eventType, version }) =>
    handlersOf(registry, eventType, version).map((handler, ord) =>
      subscriptionRow(handler, { eventType, version, ord }),
    ),
  )
  const digest = createHash('sha256')
    .update(JSON.stringify([types, subscriptions, ...registry.handlers.filter(isLogHandler).map(shardsOf)]))
    .digest('hex')
  return { digest, types, subscriptions }
}

interface Publishable {
  readonly eventType: AnyEventType
  readonly version: number
}

/** Every defined version, and the older versions that upcasts start from. Their order does not depend on the order of imports. */
function publishableIn(eventTypes: readonly AnyEventType[]): readonly Publishable[] {
  const found = new Map<string, Publishable>()
  const add = (one: Publishable) => {
    const name = `${one.eventType.type} ${one.version}`
    if (!found.has(name)) found.set(name, one)
  }
  for (const eventType of eventTypes) add({ eventType, version: eventType.version })
  for (const eventType of eventTypes) {
    const older = Object.keys(detailsOf(eventType).upcasts).map(Number)
    for (const version of older) if (missingUpcast(eventType, version) === null) add({ eventType, version })
  }
  return [...found.values()].toSorted(
    (one, other) => compared(one.eventType.type, other.eventType.type) || one.version - other.version,
  )
}

function compared(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}

/** The handlers that a publish of that version would find. */
function handlersOf(registry: Registry, { type }: AnyEventType, version: number): readonly AnyHandler[] {
  return registry.handlersOf({ type, version } as Envelope) // no other field is read
}

function storedTypeOf({ type, previousNames }: AnyEventType): string {
  return storedName(type, previousNames)
}

function typeRow(
  name: string,
  { eventType, version, bus }: Publishable & { readonly bus: RegisteringBus },
): RegisteredType {
  const { isKeyed = false, retentionMs } = detailsOf(eventType)
  return {
    name,
    version,
    type: storedTypeOf(eventType),
    is_keyed: isKeyed,
    retain_ms: retentionMs ?? null,
    ttl_ms: bus.ttlMs ?? null,
    max_bytes: bus.maxPayloadBytes,
  }
}

function subscriptionRow(
  handler: AnyHandler,
  { eventType, version, ord }: Publishable & { readonly ord: number },
): RegisteredSubscription {
  const { options } = handler
  const name = storedName(handler.name, handler.previousNames)
  return {
    type: storedTypeOf(eventType),
    version,
    handler: name,
    handler_hash: handlerHash(name),
    ord,
    delivery: runsInPublish(handler) ? 'within' : isLogHandler(handler) ? 'log' : 'job',
    queue: options.queue,
    keyed_queue: partitionedQueue(options.queue),
    is_ordered: isOrdered(handler),
    priority: -options.priority, // as for `publish`: pg-boss runs the larger number first
    is_backfilled: options.backfill !== undefined,
    is_finisher: isFinisher(handler),
    is_asked_blind: handler.isShadow && handler.interested !== null,
  }
}
