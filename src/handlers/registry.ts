/** The registry of a bus's handlers and event types: finds the handlers of an event, and the handler of a stored delivery. */
import { types } from 'node:util'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import { storedTypeOf } from '../events/stored-as.ts'
import { eventTypesOf, type EventTypeSet } from './event-types.ts'
import { finishersOf } from './finishers.ts'
import { isHandler, type AnyHandler } from './handler.ts'
import type { AnyEventType } from './listens-to.ts'
import { partitionedQueue } from '../names.ts'
import { isReadable, readingOf, type KnownTypes, type Reading, type TypeAndVersion } from './reading.ts'
import { nameTable, type StoredNames } from './stored-names.ts'

/** An array of handlers, or a module (or any object, or a CommonJS module) whose exports are handlers or arrays of them. */
export type HandlerSet = readonly AnyHandler[] | Readonly<Record<string, unknown>>

/** Handlers, or a function that imports them: `() => import('../event-handlers.ts')`, which also breaks import cycles. */
export type Handlers = HandlerSet | (() => HandlerSet | Promise<HandlerSet>)

export interface Registry {
  /** The given handlers, then the finishers of the event types. */
  readonly handlers: readonly AnyHandler[]
  /** The names of the handlers that fetch the data of their events themselves. */
  readonly shadows: readonly string[]
  /** The event types that the bus was given or a handler lists, each type and version once. */
  readonly eventTypes: readonly AnyEventType[]
  /** Every queue that deliveries can go to: two per `queue` option in use, always with `events` and `events_partitioned`. */
  readonly queues: readonly string[]
  /** The names of handlers and event types in the database. */
  readonly names: StoredNames
  /** The handlers subscribed to an event, interested or not, in registration order. */
  handlersOf(event: Envelope): readonly AnyHandler[]
  /** In which version a handler gets an event, or why it does not get it. */
  readingOf(handler: AnyHandler, event: TypeAndVersion): Reading
  /** The versions of an event type that handlers list by name; patterns do not count. */
  versionsHandled(type: string): readonly number[]
  /** Finds a handler by any of its names. */
  handlerNamed(name: string): AnyHandler | undefined
}

/**
 * Builds the registry.
 *
 * @throws {PostbusError} `POSTBUS_DUPLICATE_HANDLER` when two handlers share a name, naming both places;
 * `POSTBUS_INVALID_HANDLER` when something in the set is not a handler; `POSTBUS_DUPLICATE_EVENT_TYPE` when an event type is
 * defined twice; `POSTBUS_INVALID_EVENT` when something is not an event type; `POSTBUS_NAME_CONFLICT` for a previous name
 * that another handler or event type has.
 */
export function createRegistry(set: HandlerSet, events: EventTypeSet = []): Registry {
  const given = [...new Set(handlersIn(set))]
  const eventTypes = eventTypesOf(events, given)
  const handlers = [...given, ...finishersOf(eventTypes)]
  const byName = new Map<string, AnyHandler>()
  for (const handler of handlers) {
    const other = byName.get(handler.name)
    if (other) throw duplicate(other, handler)
    byName.set(handler.name, handler)
  }

  const names = namesOf(handlers, eventTypes)
  const known = knownTypes(eventTypes, names)
  /** The type and version as a worker with this code sees them: it only knows the stored name. */
  const heardAs = (event: TypeAndVersion): TypeAndVersion => ({
    type: names.eventTypes.shown(storedTypeOf(event)),
    version: event.version,
  })
  const bases = new Set(['events', ...handlers.map((handler) => handler.options.queue)])
  return Object.freeze({
    handlers: Object.freeze(handlers),
    shadows: Object.freeze(handlers.filter(({ isShadow }) => isShadow).map(({ name }) => name)),
    eventTypes,
    names,
    queues: Object.freeze([...bases].flatMap((queue) => [queue, partitionedQueue(queue)])),
    handlersOf: remembering(heardAs, (event) => handlers.filter((handler) => isFor(handler, event, known))),
    readingOf: rememberingReadings((handler, event) => readingOf(handler, heardAs(event), known)),
    versionsHandled: (type: string) => handlers.flatMap((handler) => versionsOf(handler, type)),
    handlerNamed: (name: string) => byName.get(names.handlers.shown(name)),
  })
}

function namesOf(handlers: readonly AnyHandler[], eventTypes: readonly AnyEventType[]): StoredNames {
  const named = eventTypes.map(({ type, previousNames, definedAt }) => ({ name: type, previousNames, definedAt }))
  return Object.freeze({ handlers: nameTable('handlers', handlers), eventTypes: nameTable('event types', named) })
}

function knownTypes(eventTypes: readonly AnyEventType[], names: StoredNames): KnownTypes {
  const newest = new Map<string, AnyEventType>()
  for (const one of eventTypes) if (one.version > (newest.get(one.type)?.version ?? 0)) newest.set(one.type, one)
  const byVersion = new Map(eventTypes.map((one) => [`${one.type} ${one.version}`, one]))
  return {
    namesOf: (type) => names.eventTypes.all(type),
    newest: (type) => newest.get(type),
    known: ({ type, version }) => byVersion.get(`${type} ${version}`),
  }
}

/** Whether a handler subscribes to an event of this type and version, directly or by upcasts. */
export function isFor(handler: AnyHandler, event: TypeAndVersion, known?: KnownTypes): boolean {
  return isReadable(readingOf(handler, event, known))
}

/** The versions of an event type that a handler lists. A pattern lists none: it takes every version. */
export function versionsOf(handler: AnyHandler, type: string): readonly number[] {
  return handler.subscriptions.flatMap((one) => (one.is === 'event-type' && one.type === type ? [one.version] : []))
}

/** Patterns are matched once per event type and version, not once per event. */
function remembering(
  heardAs: (event: TypeAndVersion) => TypeAndVersion,
  find: (event: TypeAndVersion) => readonly AnyHandler[],
) {
  const found = new Map<string, readonly AnyHandler[]>()
  return (given: Envelope): readonly AnyHandler[] => {
    const event = heardAs(given)
    const key = `${event.type} ${event.version}`
    const known = found.get(key) ?? find(event)
    found.set(key, known)
    return known
  }
}

/** Readings by handler, type and version. Nested maps: this is looked up for each attempt, and a combined key would be a new string each time. */
function rememberingReadings(find: Registry['readingOf']): Registry['readingOf'] {
  const found = new WeakMap<AnyHandler, Map<string, Map<number, Reading>>>()
  return (handler, event) => {
    const ofHandler = found.get(handler) ?? new Map<string, Map<number, Reading>>()
    if (ofHandler.size === 0) found.set(handler, ofHandler)
    const type = storedTypeOf(event)
    const ofType = ofHandler.get(type) ?? new Map<number, Reading>()
    if (ofType.size === 0) ofHandler.set(type, ofType)
    const known = ofType.get(event.version) ?? find(handler, event)
    if (!ofType.has(event.version)) ofType.set(event.version, known)
    return known
  }
}

/**
 * Asks a handler whether it has anything to do for an event. Runs in `publish`, synchronously.
 *
 * @throws {PostbusError} `POSTBUS_INTERESTED_FAILED` when it throws, or returns anything but true or false.
 */
export function isInterested(handler: AnyHandler, event: Envelope): boolean {
  if (!handler.interested) return true
  const interested: unknown = callInterested(handler, event)
  if (typeof interested === 'boolean') return interested
  const isPromise = types.isPromise(interested)
  const problem = isPromise ? 'a promise; it runs inside publish and must be synchronous' : typeof interested
  if (isPromise) interested.catch(() => undefined) // the refusal below is the error to see
  throw interestedFailed(handler, event, `returned ${problem}. Return true or false.`)
}

function callInterested(handler: AnyHandler, event: Envelope): unknown {
  try {
    // A registry matches by name and version, so the event has the handler's type. The compiler cannot know that.
    return handler.interested?.(event as never)
  } catch (error) {
    throw interestedFailed(handler, event, 'threw. The event was not published.', error)
  }
}

/** `seen`: a CommonJS module can be its own default export. */
function handlersIn(set: HandlerSet, seen: ReadonlySet<unknown> = new Set()): readonly AnyHandler[] {
  if (typeof set !== 'object' || set === null) throw notHandlers('`handlers`', set)
  if (isHandler(set)) return [set]
  const around = new Set(seen).add(set)
  return Object.entries(set).flatMap(([name, value]: [string, unknown]): readonly AnyHandler[] => {
    if (isHandler(value)) return [value]
    if (Array.isArray(value) && value.every(isHandler)) return value
    if (Array.isArray(set)) throw notHandlers(`\`handlers[${name}]\``, value)
    if (name === '__esModule' && typeof value === 'boolean') return []
    if (around.has(value)) return []
    if (isModuleOf(name, value)) return handlersIn(value, around)
    throw notHandlers(`The export "${name}" of the handlers module`, value)
  })
}

/** When a CommonJS module is imported, compilers and Node add the module itself to its exports, once or twice. */
function isModuleOf(name: string, value: unknown): value is Readonly<Record<string, unknown>> {
  return (name === 'default' || name === 'module.exports') && typeof value === 'object' && value !== null
}

function interestedFailed(handler: AnyHandler, event: Envelope, problem: string, cause?: unknown): PostbusError {
  const message = `\`interested\` of handler "${handler.name}" for ${event.type} ${problem}`
  return new PostbusError('POSTBUS_INTERESTED_FAILED', message, { cause })
}

function notHandlers(what: string, value: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_HANDLER',
    `${what} is ${value === null ? 'null' : typeof value}, not a handler: expected what defineHandler(…) returns.`,
  )
}

function duplicate(one: AnyHandler, other: AnyHandler): PostbusError {
  const madeByOneLine = one.definedAt === other.definedAt
  const mend = madeByOneLine ? 'One line made both: let it give each a name of its own.' : 'Rename one.'
  return new PostbusError(
    'POSTBUS_DUPLICATE_HANDLER',
    `Two handlers are named "${one.name}": a delivery could not tell them apart. ${mend}\n  ${one.definedAt}\n  ${other.definedAt}`,
  )
}
