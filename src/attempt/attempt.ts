/** One attempt at one delivery, from the stored row to an outcome. Touches no database: settling is for others. */
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import { backoffDelayMs } from '../handlers/backoff.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import { isAnswer, type Failed, type Outcome } from '../handlers/outcome.ts'
import { isFor, versionsOf, type Registry } from '../handlers/registry.ts'
import { isError } from '../realm.ts'
import { reasonOf } from './attempt-error.ts'
import { underDeadline } from './deadline.ts'
import { openEnvelope } from './stored-envelope.ts'

/** A delivery that this process cannot handle, but a newer deploy may, is looked at again after this time. */
const PUT_BACK_MS = 30_000

export interface AttemptSurroundings {
  readonly registry: Registry
  readonly codec: Codec
  /** Ends the attempt from outside: the claim was lost, or the worker stops. */
  readonly abort: AbortController
  contextFor(event: Envelope, handler: AnyHandler, delivery: ClaimedDelivery): HandlerContext
  /** The handler ignored its signal for a while after its time was over. */
  onOverdue(handler: AnyHandler): void
}

export async function runAttempt(delivery: ClaimedDelivery, around: AttemptSurroundings): Promise<Outcome> {
  const handler = around.registry.handlerNamed(delivery.handler)
  if (!handler) return putBack(unknownHandler(delivery))

  const stored = delivery.event
  if (!stored) return dead(handler, corrupt(delivery))
  const misfit = versionMisfit(handler, stored)
  if (misfit) return misfit
  if (delivery.attempt > handler.options.maxAttempts) return usedUp(delivery, handler)

  const event = openOrError(stored, around.codec)
  if (event instanceof PostbusError) return dead(handler, event)
  return outcomeOf(delivery, handler, await answerOf(delivery, handler, event, around))
}

/** What came of calling a handler. */
export type Answer =
  { readonly threw: false; readonly value: unknown } | { readonly threw: true; readonly error: unknown }

/** Runs the handler; whatever happens is an answer. */
export async function answerOf(
  delivery: ClaimedDelivery,
  handler: AnyHandler,
  event: Envelope,
  around: Pick<AttemptSurroundings, 'abort' | 'contextFor' | 'onOverdue'>,
): Promise<Answer> {
  try {
    const deadline = {
      timeoutMs: handler.options.timeoutMs,
      abort: around.abort,
      onOverdue: () => around.onOverdue(handler),
    }
    const context = around.contextFor(event, handler, delivery)
    // The registry matched the event to the handler by type and version; only the compiler cannot know.
    const value = await underDeadline(deadline, handler.name, async () => handler.handle(event as never, context))
    return { threw: false, value }
  } catch (error) {
    return { threw: true, error }
  }
}

function outcomeOf(delivery: ClaimedDelivery, handler: AnyHandler, answer: Answer): Outcome {
  if (answer.threw) return retryOrDead(delivery, handler, answer.error)
  const { value } = answer
  if (!isAnswer(value)) return { is: 'done', result: value }

  switch (value.is) {
    case 'failed':
      return retryOrDead(delivery, handler, errorOf(value))
    case 'discard':
      return { is: 'dead', reason: value.reason, error: null, onDead: handler.options.onDead }
    case 'snooze':
      return { is: 'snoozed', delayMs: value.delayMs }
  }
}

/** `failed(error)` means the same as throwing that error, so it is that error, with the stack of where it arose. */
function errorOf({ reason, cause }: Failed): unknown {
  if (isError(cause) && safeTextOfError(cause) === reason) return cause
  const error: { stack?: string } = new PostbusError('POSTBUS_ATTEMPT_FAILED', reason, { cause })
  delete error.stack // it would lead here, not to the handler
  return error
}

function retryOrDead(delivery: ClaimedDelivery, handler: AnyHandler, error: unknown): Outcome {
  if (delivery.attempt >= handler.options.maxAttempts) return dead(handler, error)
  return { is: 'retry', delayMs: delayAfter(delivery.attempt, handler), error }
}

/** A backoff function that throws must not lose the delivery. */
function delayAfter(attempt: number, handler: AnyHandler): number {
  try {
    return backoffDelayMs(handler.options.backoff, attempt)
  } catch {
    return PUT_BACK_MS
  }
}

function openOrError(stored: StoredEvent, codec: Codec): Envelope | PostbusError {
  try {
    return openEnvelope(stored, codec)
  } catch (error) {
    if (error instanceof PostbusError) return error
    return new PostbusError('POSTBUS_CORRUPT_PAYLOAD', `${stored.type} ${stored.id}: cannot be decoded.`, {
      cause: error,
    })
  }
}

/** An event of a version that the handler does not list: newer ones wait for a newer worker, older ones for an operator. */
function versionMisfit(handler: AnyHandler, event: StoredEvent): Outcome | null {
  if (isFor(handler, event)) return null
  const known = versionsOf(handler, event.type)
  const what = `${event.type} version ${event.version} for handler "${handler.name}"`
  if (known.length === 0) {
    return putBack(
      new PostbusError(
        'POSTBUS_UNKNOWN_HANDLER',
        `${what}: the handler no longer listens to this event type. The delivery is put back.`,
      ),
    )
  }
  const knows = `this worker knows ${known.map((version) => `v${version}`).join(', ')}`
  if (event.version > Math.max(...known)) {
    const mend = 'The delivery is put back; deploy workers before publishers.'
    return putBack(new PostbusError('POSTBUS_NEWER_VERSION', `${what} was published by newer code; ${knows}. ${mend}`))
  }
  const mend = 'Add the old version to `on`, then run: npx postbus dead retry'
  return dead(
    handler,
    new PostbusError('POSTBUS_OLDER_VERSION', `${what} was published by older code; ${knows}. ${mend}`),
  )
}

function putBack(reason: PostbusError): Outcome {
  return { is: 'put-back', delayMs: PUT_BACK_MS, reason }
}

function dead(handler: AnyHandler, error: unknown): Outcome {
  return { is: 'dead', reason: reasonOf(error), error, onDead: handler.options.onDead }
}

function unknownHandler(delivery: ClaimedDelivery): PostbusError {
  return new PostbusError(
    'POSTBUS_UNKNOWN_HANDLER',
    `No handler is named "${delivery.handler}" in this worker. The delivery is put back: deploy the code that has it, or discard it.`,
  )
}

function corrupt(delivery: ClaimedDelivery): PostbusError {
  return new PostbusError('POSTBUS_CORRUPT_PAYLOAD', `The event of delivery ${delivery.id} is no longer stored.`)
}

/** The last attempt ended without an outcome. Its error stands with the delivery; there is no further attempt to report. */
function usedUp(delivery: ClaimedDelivery, handler: AnyHandler): Outcome {
  const last = `attempt ${delivery.attempt - 1}, which was the last one allowed`
  const reason = `The worker died or lost its claim during ${last}, or \`maxAttempts\` was lowered since.`
  return { is: 'dead', reason, error: null, onDead: handler.options.onDead }
}
