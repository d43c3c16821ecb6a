/**
 * `defineEvent` declares something that can happen: its name, the schema of its data, its version and its partition
 * key. The result is called to make an event: `OrderCreated({ orderId })`.
 */
import { inspect } from 'node:util'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { now } from '../clock.ts'
import type { Envelope, EventOptions } from './envelope.ts'
import { PostbusError } from '../errors.ts'
import { callerOf } from './defined-at.ts'
import { isEventId, newEventId } from './event-id.ts'
import { rememberId } from './ids-of-ours.ts'
import { ownCopy } from './own-copy.ts'
import { checkMetadata, checkPartitionKey, checkText, isStorableDate } from './event-checks.ts'
import { checkName, checkPreviousNames, storedName } from '../names.ts'
import { withDetails, type EventDetails } from './event-details.ts'
import type { EndedDelivery, EventType } from './event-type.ts'
import { broughtAlong, storedAs } from './stored-as.ts'
import { checkUpcasts, type Upcasts } from './upcasts.ts'
import { validate } from './validate.ts'

export type { EndedDelivery, EventOf, EventType } from './event-type.ts'

export interface EventDefinition<
  Schema extends StandardSchemaV1,
  Version extends number,
  Type extends string = string,
> {
  /** Any Standard Schema (zod, valibot, arktype, …). It must be synchronous: events are made inside transactions. */
  readonly schema: Schema
  /** A whole number from 1; default: 1. Raise it when old handlers could not read the new data. */
  readonly version?: Version
  /**
   * Functions that turn data of older versions into data of this version: `{ 1: (v1) => v2, 2: (v2) => v3 }`. Each returns
   * what the schema of the next version takes; only the last result is checked. Handlers then see only this version. The
   * type of `v1` is unknown, unless you give its event type: `1: upcast(OrderCreatedV1, (v1) => …)`.
   */
  readonly upcasts?: Upcasts<Version, StandardSchemaV1.InferInput<Schema>>
  /**
   * The names that this type had before, oldest first. Its events are still stored under the oldest name, so a rename changes
   * only what is shown. When you rename the type, append the former name here, and never remove one.
   */
  readonly previousNames?: readonly string[]
  /**
   * Returns the key of an event: a handler gets the events of one key one at a time, in order. Return `null` when an
   * event needs no order. At most 512 bytes of well-formed text without NUL. Pure; called once, when the event is made.
   */
  readonly partitionKey?: (data: StandardSchemaV1.InferOutput<Schema>) => string | null
  /**
   * How long events of this type are kept after they were published, in milliseconds, instead of the bus's `retentionMs`: longer or
   * shorter. A delivery that still waits for an event, or an open dead letter, keeps the event longer. Applies to events that are
   * published from now on.
   */
  readonly retentionMs?: number
  /**
   * Makes the event that is published when no delivery of this event will run again by itself: each has ended, or is dead. It is
   * published once, even if processes die meanwhile. `deliveries` says how the event ended at each handler. Pure, and called in a
   * worker; if it throws, it is tried again. The bus must know this event type: by a handler that lists it, or by `createBus({
   * events })`.
   */
  readonly finishedEvent?: (
    event: Envelope<Type, Version, StandardSchemaV1.InferOutput<Schema>>,
    deliveries: readonly EndedDelivery[],
  ) => Envelope
}

/**
 * Declares an event type.
 *
 * @example
 * const OrderCreated = defineEvent('orders.order-created', {
 *   schema: z.object({ orderId: z.string(), total: z.number() }),
 *   partitionKey: (data) => data.orderId,
 * })
 * const event = OrderCreated({ orderId: 'o-1', total: 42 })
 *
 * @param type dotted, lower case, past tense: `orders.order-created`.
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the name, the version, the schema, an upcast or a previous name cannot be
 * used.
 */
export function defineEvent<
  const Type extends string,
  Schema extends StandardSchemaV1,
  const Version extends number = 1,
>(
  type: Type,
  definition: EventDefinition<Schema, Version, NoInfer<Type>>,
): EventType<Type, Version, StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>> {
  checkName(type, 'Event type', 'POSTBUS_INVALID_EVENT')
  const version = checkVersion(type, definition.version)
  checkSchema(type, definition.schema)
  const previousNames = checkPreviousNames(type, definition.previousNames, WHAT)
  const upcasts = checkUpcasts(type, definition.upcasts, { version, names: [type, ...previousNames] })
  const { schema, partitionKey, finishedEvent, retentionMs } = definition
  checkFinishedEvent(type, finishedEvent)
  checkRetention(type, retentionMs)
  const along = { ...storedAs(type, storedName(type, previousNames)), ...broughtAlong({ finishedEvent, retentionMs }) }

  function make(
    data: StandardSchemaV1.InferInput<Schema>,
    options: EventOptions = {},
  ): Envelope<Type, Version, StandardSchemaV1.InferOutput<Schema>> {
    try {
      return build(data, options)
    } catch (error) {
      if (error instanceof PostbusError) Error.captureStackTrace(error, make) // the line to fix is the caller's
      throw error
    }
  }

  function build(
    data: StandardSchemaV1.InferInput<Schema>,
    options: EventOptions,
  ): Envelope<Type, Version, StandardSchemaV1.InferOutput<Schema>> {
    checkOptions(type, options)
    const validated = validate(type, schema, data)
    const occurredAt = options.occurredAt ? new Date(options.occurredAt) : now() // a Date can be changed
    const envelope = {
      id: options.id?.toLowerCase() ?? newEventId(),
      type,
      version,
      data: ownCopy(validated, { freeze: true }),
      partitionKey: partitionKey ? checkPartitionKey(type, partitionKey(validated)) : null,
      correlationId: options.correlationId ?? null,
      causationId: options.causationId ?? null,
      causedByHandler: null,
      initializedAt: options.initializedAt ? new Date(options.initializedAt) : null,
      occurredAt,
      source: options.source ?? null,
      metadata: checkMetadata(type, options.metadata ?? {}),
      expiresAt: options.ttlMs === undefined ? null : new Date(occurredAt.getTime() + options.ttlMs),
      ...along,
    }
    if (options.id === undefined) rememberId(envelope)
    return Object.freeze(envelope)
  }

  function is(event: Envelope): event is Envelope<Type, Version, StandardSchemaV1.InferOutput<Schema>> {
    return event.type === type && event.version === version
  }

  const eventType = Object.assign(make, { type, version, previousNames, is, definedAt: callerOf(defineEvent) })
  // It is called with events of this type only, but the details of all event types share one form.
  const follows = finishedEvent as EventDetails['finishedEvent']
  return Object.freeze(
    withDetails(eventType, {
      schema,
      upcasts,
      finishedEvent: follows,
      isKeyed: partitionKey !== undefined,
      retentionMs,
    }),
  )
}

const WHAT = { what: 'Event type', code: 'POSTBUS_INVALID_EVENT' } as const

/** Whether a value was made by `defineEvent`, by this or another copy of the package. */
export function isEventType(value: unknown): value is EventType {
  return typeof value === 'function' && 'type' in value && 'version' in value
}

function checkVersion<Version extends number>(type: string, version: Version | undefined): Version {
  if (version === undefined) return 1 as Version
  if (Number.isSafeInteger(version) && version >= 1 && version < 2 ** 31) return version
  throw new PostbusError('POSTBUS_INVALID_EVENT', `${type}: version ${version} is not a whole number from 1.`)
}

function checkFinishedEvent(type: string, finishedEvent: unknown): void {
  if (finishedEvent === undefined || typeof finishedEvent === 'function') return
  throw new PostbusError('POSTBUS_INVALID_EVENT', `${type}: expected \`finishedEvent\` to be a function.`)
}

function checkRetention(type: string, retentionMs: unknown): void {
  if (retentionMs === undefined) return
  if (Number.isSafeInteger(retentionMs) && Number(retentionMs) >= 1_000 && Number(retentionMs) <= MOST_RETENTION_MS)
    return
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${type}: \`retentionMs\` is ${inspect(retentionMs)}: expected whole milliseconds, from a second to a hundred years.`,
  )
}

const MOST_RETENTION_MS = 100 * 366 * 86_400_000

function checkSchema(type: string, schema: StandardSchemaV1 | undefined): void {
  if (typeof schema?.['~standard']?.validate === 'function') return
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${type}: expected \`schema\` to be a Standard Schema, such as z.object({ … }) of zod.`,
  )
}

/** @throws {PostbusError} `POSTBUS_INVALID_EVENT` for an option that is not acceptable. */
export function checkOptions(type: string, options: EventOptions): void {
  const { id, occurredAt, initializedAt, ttlMs } = options
  const refuse = (problem: string): never => {
    throw new PostbusError('POSTBUS_INVALID_EVENT', `${type}: ${problem}`)
  }
  if (id !== undefined && !(typeof id === 'string' && isEventId(id))) refuse(`\`id\` ${inspect(id)} is not a UUID.`)
  if (occurredAt !== undefined && !isStorableDate(occurredAt)) {
    refuse('`occurredAt` is not a valid Date of the years 1 to 9999.')
  }
  if (initializedAt !== undefined && !isStorableDate(initializedAt)) {
    refuse('`initializedAt` is not a valid Date of the years 1 to 9999.')
  }
  if (ttlMs !== undefined && !(ttlMs > 0 && isStorableDate(new Date((occurredAt ?? now()).getTime() + ttlMs)))) {
    refuse(
      `\`ttlMs\` is ${inspect(ttlMs)}: expected a positive number of milliseconds that ends before the year 10000.`,
    )
  }
  checkText(type, 'correlationId', options.correlationId)
  checkText(type, 'causationId', options.causationId)
  checkText(type, 'source', options.source)
}
