/** Decides what becomes of an attempt: by what its handler returned or threw, or because the handler could not be called. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import { backoffDelayMs } from '../handlers/backoff.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { isAnswer, type Failed, type Outcome } from '../handlers/outcome.ts'
import { reasonOf } from './attempt-error.ts'
import type { Answer } from './handler-call.ts'
import type { Undecided } from './on-dead.ts'

/** A delivery that this process cannot handle, but a newer deploy may, is looked at again after this time. */
const PUT_BACK_MS = 30_000

export function outcomeOf(delivery: ClaimedDelivery, handler: AnyHandler, answer: Answer): Undecided {
  if (answer.threw) return retryOrDead(delivery, handler, answer.error)
  const { value } = answer
  if (!isAnswer(value)) return { is: 'done', result: value }

  switch (value.is) {
    case 'skip':
      return { is: 'skipped', reason: value.reason }
    case 'failed':
      return retryOrDead(delivery, handler, errorOf(value))
    case 'discard':
      return { is: 'dead', reason: value.reason, error: null, onDead: handler.options.onDead }
    case 'snooze':
      return { is: 'snoozed', delayMs: value.delayMs }
    case 'await':
      return { is: 'awaiting', timeoutMs: value.timeoutMs }
  }
}

/** `failed(error)` means the same as throwing that error, so that error is returned, with its own stack. */
function errorOf({ reason, cause }: Failed): unknown {
  if (cause instanceof Error && cause.message === reason) return cause
  const error: { stack?: string } = new PostbusError('POSTBUS_ATTEMPT_FAILED', reason, { cause })
  delete error.stack // it would lead here, not to the handler
  return error
}

export function retryOrDead(delivery: ClaimedDelivery, handler: AnyHandler, error: unknown): Undecided {
  if (delivery.attempt >= handler.options.maxAttempts || !isWorthRetrying(handler, error)) return dead(handler, error)
  return { is: 'retry', delayMs: delayAfter(delivery.attempt, handler, error), error }
}

/** Whether another attempt is worth it. Also true if `isRetryable` throws, so that the delivery is not lost. */
export function isWorthRetrying({ options: { isRetryable } }: AnyHandler, error: unknown): boolean {
  try {
    return isRetryable?.(error) ?? true
  } catch {
    return true
  }
}

/** A backoff function that throws must not lose the delivery. */
function delayAfter(attempt: number, handler: AnyHandler, error: unknown): number {
  try {
    return backoffDelayMs(handler.options.backoff, attempt, Math.random, error)
  } catch {
    return PUT_BACK_MS
  }
}

export function dead(handler: AnyHandler, error: unknown): Undecided {
  return { is: 'dead', reason: reasonOf(error), error, onDead: handler.options.onDead }
}

export function putBack(reason: PostbusError): Outcome {
  return { is: 'put-back', delayMs: PUT_BACK_MS, reason }
}

/** For a delivery with no attempts left. The error of its last attempt is stored already, so there is none to report. */
export function usedUp(delivery: ClaimedDelivery, handler: AnyHandler): Undecided {
  const last = `attempt ${delivery.attempt - 1}, which was the last one allowed`
  const reason = `The worker died or lost its claim during ${last}, or \`maxAttempts\` was lowered since.`
  return { is: 'dead', reason, error: null, onDead: handler.options.onDead }
}

export function unknownHandler(delivery: ClaimedDelivery): PostbusError {
  return new PostbusError(
    'POSTBUS_UNKNOWN_HANDLER',
    `No handler is named "${delivery.handler}" in this worker. The delivery is put back: deploy the code that has it, or discard it.`,
  )
}

export function eventGone(delivery: ClaimedDelivery): PostbusError {
  return new PostbusError('POSTBUS_CORRUPT_PAYLOAD', `The event of delivery ${delivery.id} is no longer stored.`)
}
