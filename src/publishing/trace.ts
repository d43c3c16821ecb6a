/**
 * Finds out where an event comes from: an event published inside a handler continues the chain of the handled event, and an
 * event published inside `bus.withContext` carries that context.
 *
 * Frames are nested like the calls. For each field, the event's own value wins, then the innermost frame that has a value.
 * Metadata is merged field by field.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { checkMetadata, checkText } from '../events/event-checks.ts'
import type { Envelope, EventMetadata } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import { isPlainObject } from '../realm.ts'

/** The context for `bus.withContext`. All fields are optional; an event's own values win. */
export interface PublishContext {
  /** The chain to which events published inside belong: 1 to 512 bytes of text, such as the id of a request. */
  readonly correlationId?: string
  /** The program, or the part of it, that publishes. Default: the bus's `source`. */
  readonly source?: string
  /** Merged into the metadata of events published inside. If both have a field, the event's value stays. */
  readonly metadata?: EventMetadata
}

/** The fields that are read from a causing event. Its shadow has them too. */
type Causing = Pick<Envelope, 'id' | 'correlationId' | 'metadata'>

/** The attempt that is the cause of events published inside it. */
interface Cause {
  readonly event: Causing
  readonly handler: string
}

interface Frame {
  readonly outer: Frame | undefined
  readonly given: PublishContext
  readonly cause: Cause | null
  /** Set when the attempt has ended: what still runs afterwards, such as a timer or a pool, is not part of it. */
  isOver: boolean
}

/** One for the process: test runners may load the library twice, and a chain of events may pass through both copies. */
const SLOT = Symbol.for('postbus.trace')
const place = globalThis as typeof globalThis & { [SLOT]?: AsyncLocalStorage<Frame> }
const frames = (place[SLOT] ??= new AsyncLocalStorage<Frame>())

/** One attempt of a handler, as the cause of what it publishes. */
export interface TracedAttempt {
  run<Result>(work: () => Result): Result
  /** Ends it: later publishes do not have this attempt as their cause. */
  end(): void
}

export function traceAttempt(event: Causing, handler: string): TracedAttempt {
  return new AttemptFrame({ event, handler })
}

class AttemptFrame implements Frame, TracedAttempt {
  readonly outer = frames.getStore()
  readonly cause: Cause
  isOver = false

  constructor(cause: Cause) {
    this.cause = cause
  }

  /** Created at the first publish: most attempts publish nothing. */
  get given(): PublishContext {
    return carriedOn(this.cause.event)
  }

  run<Result>(work: () => Result): Result {
    return frames.run(this, work)
  }

  end(): void {
    this.isOver = true
  }
}

/** Runs `work` outside of all frames: events published inside inherit nothing. */
export function withoutTrace<Result>(work: () => Result): Result {
  return frames.exit(work)
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the context is not one. */
export function withContext<Result>(context: PublishContext, work: () => Result): Result {
  const frame: Frame = { outer: frames.getStore(), given: checked(context), cause: null, isOver: false }
  return frames.run(frame, work)
}

/** Returns a function that adds to an event what the frames around this call say. Call it synchronously in the publisher's call. */
export function traced(source: string | null): (event: Envelope) => Envelope {
  const around: Frame[] = []
  for (let frame = frames.getStore(); frame; frame = frame.outer) if (!frame.isOver) around.push(frame)
  if (around.length === 0 && source === null) return (event) => event

  const cause = around.find((frame) => frame.cause)?.cause ?? null
  const correlationId = around.find(({ given }) => given.correlationId !== undefined)?.given.correlationId
  const givenSource = around.find(({ given }) => given.source !== undefined)?.given.source ?? source
  const metadata = around.reduceRight<EventMetadata>((merged, { given }) => ({ ...merged, ...given.metadata }), {})
  const addsMetadata = Object.keys(metadata).length > 0

  return (event) =>
    Object.freeze({
      ...event,
      correlationId: event.correlationId ?? correlationId ?? null,
      ...(cause && event.causationId === null && causeOf(cause)),
      source: event.source ?? givenSource,
      metadata: addsMetadata ? Object.freeze({ ...metadata, ...event.metadata }) : event.metadata,
    })
}

/** Returns the event with this cause, unless the event names another one. `context.publish` does this wherever it is called. */
export function causedBy(cause: Cause, event: Envelope): Envelope {
  const { correlationId, metadata } = carriedOn(cause.event)
  return Object.freeze({
    ...event,
    correlationId: event.correlationId ?? correlationId ?? null,
    ...(event.causationId === null && causeOf(cause)),
    metadata: metadata ? Object.freeze({ ...metadata, ...event.metadata }) : event.metadata,
  })
}

function causeOf({ event, handler }: Cause) {
  return { causationId: event.id, causedByHandler: handler }
}

/** The headers of W3C Trace Context. They travel in metadata. */
const TRACE_HEADERS = ['traceparent', 'tracestate']

/** What an event passes on to the events that it causes. */
function carriedOn({ id, correlationId, metadata }: Causing): PublishContext {
  const headers = TRACE_HEADERS.flatMap((name) => (name in metadata ? [[name, metadata[name] ?? null] as const] : []))
  return {
    correlationId: correlationId ?? id,
    ...(headers.length > 0 && { metadata: Object.fromEntries(headers) }),
  }
}

const FIELDS = ['correlationId', 'source', 'metadata']

function checked(context: PublishContext): PublishContext {
  const where = 'withContext()'
  const given: unknown = context // JavaScript may pass anything
  if (!isPlainObject(given)) throw refusal('expected an object, such as { correlationId: request.id }.')
  const stranger = Object.keys(given).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) throw refusal(`"${stranger}" is not one of ${FIELDS.join(', ')}.`)
  try {
    checkText(where, 'correlationId', context.correlationId)
    checkText(where, 'source', context.source)
    const { metadata, ...rest } = context
    return metadata === undefined ? rest : { ...rest, metadata: checkMetadata(where, metadata) }
  } catch (error) {
    if (!(error instanceof PostbusError)) throw error
    throw new PostbusError('POSTBUS_INVALID_OPTIONS', error.message)
  }
}

function refusal(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `withContext(): ${problem}`)
}
