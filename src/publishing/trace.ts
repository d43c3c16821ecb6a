/**
 * Where an event comes from, without being told: what is published inside a handler carries on the chain of the event that it
 * handles, and what is published inside `bus.withContext` carries what that was given.
 *
 * Frames lie inside each other, as the calls do. The innermost one that says something about a field decides, and what the event
 * itself says comes before all of them; metadata is merged field by field.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { checkMetadata, checkText } from '../events/event-checks.ts'
import type { Envelope, EventMetadata } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import { isPlainObject } from '../realm.ts'

/** What `bus.withContext` takes. Everything is optional; what an event says itself comes first. */
export interface PublishContext {
  /** The chain that events published inside belong to: 1 to 512 bytes of text, such as the id of a request. */
  readonly correlationId?: string
  /** Which program, or part of it, publishes. Default: the bus's `source`. */
  readonly source?: string
  /** Merged into the metadata of events published inside; of a field that both have, the event's stays. */
  readonly metadata?: EventMetadata
}

/** What is asked of a causing event: also its shadow has that. */
type Causing = Pick<Envelope, 'id' | 'correlationId' | 'metadata'>

/** The attempt that causes what is published inside it. */
interface Cause {
  readonly event: Causing
  readonly handler: string
}

interface Frame {
  readonly outer: Frame | undefined
  readonly given: PublishContext
  readonly cause: Cause | null
  /** Set when the attempt has ended: what it left behind, such as a timer or a pool, is no part of it. */
  isOver: boolean
}

/** One for the process: test runners may load the library twice, and a chain may lead through both. */
const SLOT = Symbol.for('postbus.trace')
const place = globalThis as typeof globalThis & { [SLOT]?: AsyncLocalStorage<Frame> }
const frames = (place[SLOT] ??= new AsyncLocalStorage<Frame>())

/** One attempt of a handler, for what it publishes. */
export interface TracedAttempt {
  run<Result>(work: () => Result): Result
  /** From here on nothing is published in its name. */
  end(): void
}

export function traceAttempt(event: Causing, handler: string): TracedAttempt {
  const frame: Frame = { outer: frames.getStore(), given: carriedOn(event), cause: { event, handler }, isOver: false }
  return {
    run: (work) => frames.run(frame, work),
    end() {
      frame.isOver = true
    },
  }
}

/** Runs `work` outside of all frames: what is published inside carries on nothing that it was not told. */
export function withoutTrace<Result>(work: () => Result): Result {
  return frames.exit(work)
}

/** @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the context is not one. */
export function withContext<Result>(context: PublishContext, work: () => Result): Result {
  const frame: Frame = { outer: frames.getStore(), given: checked(context), cause: null, isOver: false }
  return frames.run(frame, work)
}

/** The event with what the frames around this call say about it. Call it in the publisher's own turn. */
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

/** The event with this cause, unless it names another one itself: what `context.publish` does, wherever it is called. */
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

/** What an event hands on to those that it causes. */
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
