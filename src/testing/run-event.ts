/** One handler, one event, no queue: what a handler does, tested alone and through the same steps as in a worker. */
import { inspect } from 'node:util'
import { partsOf, type BusParts } from '../publishing/backend-override.ts'
import { decodedCopy, storedForm } from '../backends/decoded-copy.ts'
import type { Bus } from '../bus.ts'
import type { Envelope } from '../events/envelope.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler, Handler } from '../handlers/handler.ts'
import type { EventFor, ListensTo } from '../handlers/listens-to.ts'
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
import { callHandler } from '../attempt/call-handler.ts'
import type { Answer } from '../attempt/handler-call.ts'
import { Deadlines } from '../attempt/deadlines.ts'
import { shadowOfWhole } from '../attempt/shadow-event.ts'
import { unstoredDelivery } from '../attempt/unstored-delivery.ts'
import { standInBus } from './stand-in-bus.ts'

export interface RunEventOptions {
  /** Which attempt the handler is told this is, from 1 (the default) to its `maxAttempts`. */
  readonly attempt?: number
  /** For `context.tx`, and for what the handler publishes through its context. */
  readonly tx?: PublishTransaction
  /** Whose codecs, log and `context.publish` to use. Needed for custom codecs, and to publish in inline or live mode. */
  readonly bus?: Bus
}

/** What became of the attempt. */
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
  /** What was thrown, or the `cause` of `failed(…)`. Not enumerable, so that a comparison needs only the reason. */
  readonly cause?: unknown
}

/**
 * Asks the handler whether it is interested, and if so lets it handle a copy of the event that went through the codec, with
 * a worker's timeout and context. What it publishes goes where the mode says. Returns what became of the attempt.
 *
 * @example
 * const ran = await runEvent(createInvoice, OrderCreated({ orderId: 'o-1', total: 42 }))
 * expect(ran).toEqual({ state: 'processed', result: { invoiceId: 'i-1' } })
 *
 * @throws {PostbusError} `POSTBUS_INTERESTED_FAILED`, `POSTBUS_UNSERIALIZABLE`, `POSTBUS_INVALID_EVENT`,
 * `POSTBUS_INVALID_OPTIONS`. What the handler throws is no error here, but the state `failed`.
 */
export async function runEvent<Listens extends ListensTo, Result>(
  handler: Handler<string, Listens, Result>,
  event: EventFor<NoInfer<Listens>>,
  options: RunEventOptions = {},
): Promise<RunEventResult<Result>> {
  const answer = await answerTo(handler, event, options)
  if (answer === null) return { state: 'not_interested' }
  if (answer.threw) return failed(safeTextOfError(answer.error), answer.error)
  const { value } = answer
  // The value is what `handle` returned; only the compiler cannot follow it through the worker's code.
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

/**
 * Like `runEvent`, for tests in which the handler is to succeed.
 *
 * @throws {PostbusError} `POSTBUS_ATTEMPT_FAILED`, with the handler's name and the cause, when it failed, discarded or snoozed.
 */
export async function runEventOrThrow<Listens extends ListensTo, Result>(
  handler: Handler<string, Listens, Result>,
  event: EventFor<NoInfer<Listens>>,
  options: RunEventOptions = {},
): Promise<Extract<RunEventResult<Result>, { state: 'processed' | 'not_interested' | 'skipped' }>> {
  const ran = await runEvent(handler, event, options)
  switch (ran.state) {
    case 'processed':
    case 'not_interested':
    case 'skipped':
      return ran
    case 'failed':
      throw notDone(handler, `failed: ${ran.reason}`, ran.cause)
    case 'discarded':
      throw notDone(handler, `discarded the event: ${ran.reason}`)
    case 'snoozed':
      throw notDone(handler, `snoozed for ${ran.delayMs / 1_000} s`)
    case 'awaiting':
      throw notDone(handler, 'waits to be told how it ended')
  }
}

/** Null: not interested. */
async function answerTo(handler: AnyHandler, event: Envelope, options: RunEventOptions): Promise<Answer | null> {
  checkEnvelope(event)
  const bus = partsFor(options.bus)
  const reading = (await bus.registry.load()).readingOf(handler, event)
  if (!isReadable(reading)) throw notItsEvent(handler, event)
  if (needsTransaction(handler) && options.tx === undefined) throw withoutTransaction(handler)
  const number = attemptNumber(handler, options.attempt)
  const planned = { envelope: event, handlers: [handler], payload: encode(event, bus, options) }
  if (!isInterested(handler, asHeard(reading, event))) return null
  const delivery = unstoredDelivery(handler, storedForm(planned), number)
  const copy = decodedCopy(planned, bus.codec, reading)
  const call = { delivery, handler, event: handler.isShadow ? shadowOfWhole(copy) : copy, abort: new AbortController() }
  const { emit, publish, middleware } = bus
  return callHandler(call, { emit, publish, middleware, deadlines: new Deadlines(), tx: options.tx })
}

function withoutTransaction({ name }: AnyHandler): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_REQUIRED',
    `runEvent(): handler "${name}" has its effects in a transaction. Pass one: runEvent(handler, event, { tx }).`,
  )
}

function encode(event: Envelope, { codec }: BusParts, { bus }: RunEventOptions): string {
  try {
    return codec.encode(event.data, event.type)
  } catch (error) {
    if (bus || !(error instanceof PostbusError)) throw error
    const hint = 'If the bus has a codec for it, pass the bus: runEvent(handler, event, { bus }).'
    throw new PostbusError(error.code, `${error.message} ${hint}`, { cause: error })
  }
}

function partsFor(bus: Bus | undefined): BusParts {
  if (!bus) return standInBus
  const parts = partsOf(bus)
  if (parts) return parts
  throw new PostbusError('POSTBUS_INVALID_OPTIONS', 'runEvent(): `bus` is not a bus. Pass what createBus() returns.')
}

function attemptNumber({ name, options }: AnyHandler, attempt = 1): number {
  if (Number.isInteger(attempt) && attempt >= 1 && attempt <= options.maxAttempts) return attempt
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `runEvent(): \`attempt\` is ${inspect(attempt)}, but "${name}" is attempted 1 to ${options.maxAttempts} times.`,
  )
}

function failed(reason: string, cause: unknown): RunEventFailed {
  const result: RunEventFailed = { state: 'failed', reason }
  return Object.defineProperty(result, 'cause', { value: cause, enumerable: false })
}

function notDone({ name }: AnyHandler, what: string, cause?: unknown): PostbusError {
  return new PostbusError('POSTBUS_ATTEMPT_FAILED', `Handler "${name}" ${what}`, cause === undefined ? {} : { cause })
}

function notItsEvent({ name }: AnyHandler, event: Envelope): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `runEvent(): handler "${name}" does not listen to ${event.type} version ${event.version}, so it would never get it.`,
  )
}
