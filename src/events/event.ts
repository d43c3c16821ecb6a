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
import { checkName } from '../names.ts'

/** A declared kind of event. Call it with data to make one; it validates, and never touches the database. */
export interface EventType<
  Type extends string = string,
  Version extends number = number,
  Input = never,
  Data = unknown,
> {
  /**
   * Makes an event: validates `data` with the schema and returns a frozen envelope. Its data is a copy: what you change
   * afterwards in the objects that you passed does not reach the event. Publishes nothing: `bus.publish` does.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the data or an option is not acceptable; lists every problem.
   */
  (data: Input, options?: EventOptions): Envelope<Type, Version, Data>
  readonly type: Type
  readonly version: Version
  /**
   * Whether an event is of this type and version, for the compiler too: in a handler that listens to patterns, where the data
   * of an event are unknown until this was asked.
   *
   * @example if (OrderCreated.is(event)) await invoices.create(event.data.orderId)
   */
  is(event: Envelope): event is Envelope<Type, Version, Data>
  /** Where it was defined, for the error about two that have one type and version. */
  readonly definedAt: string
}

/** The event that an event type makes: `type OrderCreated = EventOf<typeof OrderCreated>`. */
export type EventOf<Kind> = Kind extends (data: never, options?: EventOptions) => infer Event ? Event : never

export interface EventDefinition<Schema extends StandardSchemaV1, Version extends number> {
  /** Any Standard Schema (zod, valibot, arktype, …). It must be synchronous: events are made inside transactions. */
  readonly schema: Schema
  /** A whole number from 1, default 1. Raise it when old handlers could no longer read the data. */
  readonly version?: Version
  /**
   * Which events must be handled in turn: one at a time per key and handler. Return `null` when an event needs no
   * order. At most 512 bytes of well-formed text without NUL. Pure; called once, when the event is made.
   */
  readonly partitionKey?: (data: StandardSchemaV1.InferOutput<Schema>) => string | null
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
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the name, the version or the schema cannot be used.
 */
export function defineEvent<
  const Type extends string,
  Schema extends StandardSchemaV1,
  const Version extends number = 1,
>(
  type: Type,
  definition: EventDefinition<Schema, Version>,
): EventType<Type, Version, StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>> {
  checkName(type, 'Event type', 'POSTBUS_INVALID_EVENT')
  const version = checkVersion(type, definition.version)
  checkSchema(type, definition.schema)
  const { schema, partitionKey } = definition

  function make(
    data: StandardSchemaV1.InferInput<Schema>,
    options: EventOptions = {},
  ): Envelope<Type, Version, StandardSchemaV1.InferOutput<Schema>> {
    try {
      return build(data, options)
    } catch (error) {
      if (error instanceof PostbusError) Error.captureStackTrace(error, make) // the line to mend is the caller's
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
    }
    if (options.id === undefined) rememberId(envelope)
    return Object.freeze(envelope)
  }

  function is(event: Envelope): event is Envelope<Type, Version, StandardSchemaV1.InferOutput<Schema>> {
    return event.type === type && event.version === version
  }

  return Object.freeze(Object.assign(make, { type, version, is, definedAt: callerOf(defineEvent) }))
}

/** Whether a value was made by `defineEvent`, by this or another copy of the package. */
export function isEventType(value: unknown): value is EventType {
  return typeof value === 'function' && 'type' in value && 'version' in value
}

function checkVersion<Version extends number>(type: string, version: Version | undefined): Version {
  if (version === undefined) return 1 as Version
  if (Number.isSafeInteger(version) && version >= 1 && version < 2 ** 31) return version
  throw new PostbusError('POSTBUS_INVALID_EVENT', `${type}: version ${version} is not a whole number from 1.`)
}

function checkSchema(type: string, schema: StandardSchemaV1 | undefined): void {
  if (typeof schema?.['~standard']?.validate === 'function') return
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${type}: expected \`schema\` to be a Standard Schema, such as z.object({ … }) of zod.`,
  )
}

function validate<Schema extends StandardSchemaV1>(
  type: string,
  schema: Schema,
  data: unknown,
): StandardSchemaV1.InferOutput<Schema> {
  const result = schema['~standard'].validate(data)
  if ('then' in result) {
    Promise.resolve(result).catch(() => undefined) // the refusal below is the error to see, not an unhandled rejection
    throw new PostbusError(
      'POSTBUS_INVALID_EVENT',
      `${type}: its schema is asynchronous, but events are made inside transactions. Use a schema without async parts.`,
    )
  }
  if (!result.issues) return result.value
  throw new PostbusError('POSTBUS_INVALID_EVENT', describeIssues(type, result.issues))
}

function describeIssues(type: string, issues: readonly StandardSchemaV1.Issue[]): string {
  const problems = issues.length === 1 ? '1 problem' : `${issues.length} problems`
  return [`${type}: ${problems}`, ...issues.map((issue) => `  ✖ ${issue.message}${placeOf(issue)}`)].join('\n')
}

function placeOf(issue: StandardSchemaV1.Issue): string {
  if (!issue.path?.length) return ''
  const keys = issue.path.map((part) => String(typeof part === 'object' ? part.key : part))
  return ` → at ${keys.join('.')}`
}

/** @throws {PostbusError} `POSTBUS_INVALID_EVENT` for what cannot be said about an event. */
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
