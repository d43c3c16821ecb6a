/** Prepares the run of one handler without a queue, on a copy of the event as a worker would pass it, and describes its result. */
import { inspect } from 'node:util'
import { partsOf, type BusParts } from '../publishing/backend-override.ts'
import { decodedCopy, storedForm } from '../backends/decoded-copy.ts'
import type { Bus } from '../bus.ts'
import type { Envelope } from '../events/envelope.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import {
  isAnswer,
  type AwaitCompletion,
  type Discard,
  type Failed,
  type Skip,
  type Snooze,
} from '../handlers/outcome.ts'
import { checkEnvelope } from '../publishing/checks.ts'
import { asHeard, isReadable } from '../handlers/reading.ts'
import { isInterested } from '../handlers/registry.ts'
import { needsTransaction } from '../handlers/transactional.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { BatchMember } from '../attempt/batch-member.ts'
import type { CallParts } from '../attempt/call-handler.ts'
import type { Answer } from '../attempt/handler-call.ts'
import { Deadlines } from '../attempt/deadlines.ts'
import { shadowOfWhole } from '../attempt/shadow-event.ts'
import { unstoredDelivery } from '../attempt/unstored-delivery.ts'
import { standInBus } from './stand-in-bus.ts'

export interface RunEventOptions {
  /** The attempt number that the handler sees, from 1 (the default) to its `maxAttempts`. */
  readonly attempt?: number
  /** The transaction for `context.tx`, and for events that the handler publishes through its context. */
  readonly tx?: PublishTransaction
  /** The bus whose codecs, log and `context.publish` are used. Needed for custom codecs, and to publish in inline or live mode. */
  readonly bus?: Bus
}

/** How the attempt ended. */
export type RunEventResult<Result> =
  | { readonly state: 'processed'; readonly result: Value<Result> }
  | { readonly state: 'not_interested' }
  | { readonly state: 'skipped'; readonly reason: string }
  | RunEventFailed
  | { readonly state: 'discarded'; readonly reason: string }
  | { readonly state: 'snoozed'; readonly delayMs: number }
  | { readonly state: 'awaiting'; readonly timeoutMs: number }

/** What a handler may return besides `skip`, `failed`, `discard`, `snooze` and `awaitCompletion`. */
type Value<Result> = Exclude<Awaited<Result>, Skip | Failed | Discard | Snooze | AwaitCompletion>

export interface RunEventFailed {
  readonly state: 'failed'
  readonly reason: string
  /** The thrown error, or the `cause` of `failed(…)`. Not enumerable, so that a comparison needs only the reason. */
  readonly cause?: unknown
}

/** Prepares the delivery and the handler's copy of the event. `member` is null if the handler is not interested. `what` begins errors. */
export async function preparedRun(
  what: string,
  handler: AnyHandler,
  event: Envelope,
  options: RunEventOptions,
): Promise<{ readonly member: BatchMember | null; readonly parts: CallParts }> {
  checkEnvelope(event)
  const bus = partsFor(what, options.bus)
  const reading = (await bus.registry.load()).readingOf(handler, event)
  if (!isReadable(reading)) throw notItsEvent(what, handler, event)
  if (needsTransaction(handler) && options.tx === undefined) throw withoutTransaction(handler)
  const number = attemptNumber(what, handler, options.attempt)
  const planned = { envelope: event, handlers: [handler], payload: encode(what, event, bus, options) }
  const { emit, publish, middleware } = bus
  const parts = { emit, publish, middleware, deadlines: new Deadlines(), tx: options.tx }
  if (!isInterested(handler, asHeard(reading, event))) return { member: null, parts }
  const delivery = unstoredDelivery(handler, storedForm(planned), number)
  const copy = decodedCopy(planned, bus.codec, reading)
  return { member: { delivery, event: handler.isShadow ? shadowOfWhole(copy) : copy }, parts }
}

export function resultOf<Result>(answer: Answer): Exclude<RunEventResult<Result>, { state: 'not_interested' }> {
  if (answer.threw) return failed(safeTextOfError(answer.error), answer.error)
  const { value } = answer
  // The value is what `handle` returned, but the compiler cannot follow its type through the worker's code.
  if (!isAnswer(value)) return { state: 'processed', result: value as Value<Result> }

  switch (value.is) {
    case 'skip':
      return { state: 'skipped', reason: value.reason }
    case 'failed':
      return failed(value.reason, value.cause)
    case 'discard':
      return { state: 'discarded', reason: value.reason }
    case 'snooze':
      return { state: 'snoozed', delayMs: value.delayMs }
    case 'await':
      return { state: 'awaiting', timeoutMs: value.timeoutMs }
  }
}

function encode(what: string, event: Envelope, { codec }: BusParts, { bus }: RunEventOptions): string {
  try {
    return codec.encode(event.data, event.type)
  } catch (error) {
    if (bus || !(error instanceof PostbusError)) throw error
    const call = what === 'runEvents()' ? 'runEvents(handler, events, { bus })' : 'runEvent(handler, event, { bus })'
    const hint = `If the bus has a codec for it, pass the bus: ${call}.`
    throw new PostbusError(error.code, `${error.message} ${hint}`, { cause: error })
  }
}

function partsFor(what: string, bus: Bus | undefined): BusParts {
  if (!bus) return standInBus
  const parts = partsOf(bus)
  if (parts) return parts
  throw new PostbusError('POSTBUS_INVALID_OPTIONS', `${what}: \`bus\` is not a bus. Pass what createBus() returns.`)
}

function attemptNumber(what: string, { name, options }: AnyHandler, attempt = 1): number {
  if (Number.isInteger(attempt) && attempt >= 1 && attempt <= options.maxAttempts) return attempt
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `${what}: \`attempt\` is ${inspect(attempt)}, but "${name}" is attempted 1 to ${options.maxAttempts} times.`,
  )
}

function failed(reason: string, cause: unknown): RunEventFailed {
  const result: RunEventFailed = { state: 'failed', reason }
  return Object.defineProperty(result, 'cause', { value: cause, enumerable: false })
}

function withoutTransaction({ name }: AnyHandler): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_REQUIRED',
    `runEvent(): handler "${name}" has its effects in a transaction. Pass one: runEvent(handler, event, { tx }).`,
  )
}

function notItsEvent(what: string, { name }: AnyHandler, event: Envelope): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${what}: handler "${name}" does not listen to ${event.type} version ${event.version}, so it would never get it.`,
  )
}
