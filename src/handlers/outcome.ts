/**
 * What a handler may return, and the outcomes of an attempt.
 *
 * A handler that returns nothing, or any value of its own, is done. It returns `skip`, `failed`, `discard`, `snooze` or
 * `awaitCompletion` for the other outcomes; throwing means the same as `failed`.
 */
import { textOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { isError } from '../realm.ts'

/** Shared by all copies of this package in a process, so that one copy recognises an outcome that another has made. */
const ANSWER = Symbol.for('postbus.answer')

interface Answer<Is extends string> {
  readonly [ANSWER]: true
  readonly is: Is
}

/** "There was nothing to do": done, and recorded as skipped. */
export interface Skip extends Answer<'skip'> {
  readonly reason: string
}

/** "This attempt failed": the delivery is tried again after its backoff, until `maxAttempts` are used up. */
export interface Failed extends Answer<'failed'> {
  readonly reason: string
  readonly cause: unknown
}

/** "This will never work": the delivery goes to the dead letters at once. */
export interface Discard extends Answer<'discard'> {
  readonly reason: string
}

/** "Not now": the delivery comes again later, and no attempt is used up. */
export interface Snooze extends Answer<'snooze'> {
  readonly delayMs: number
}

/** How long to snooze. The parts are added up; the sum must be more than 0 and at most 365 days. */
export interface SnoozeFor {
  readonly seconds?: number
  readonly minutes?: number
  readonly hours?: number
}

/** "It goes on elsewhere": the delivery stays open, without using a slot, until it is told how it ended. */
export interface AwaitCompletion extends Answer<'await'> {
  readonly timeoutMs: number
}

const MAX_SNOOZE_MS = 365 * 24 * 3_600_000

/**
 * Return this from a handler: the attempt failed, and is tried again after the backoff. `reason` is stored with the delivery, so
 * keep secrets out of it.
 *
 * @example if (!response.ok) return failed(`the mail server says ${response.status}`)
 */
export function failed(reason: string | Error, options: { readonly cause?: unknown } = {}): Failed {
  if (isError(reason)) return answer({ is: 'failed', reason: textOfError(reason), cause: options.cause ?? reason })
  return answer({ is: 'failed', reason: textOf(reason), cause: options.cause })
}

/**
 * Return this from a handler: trying again is pointless, so the delivery is a dead letter at once. `reason` is stored with it, so
 * keep secrets out of it.
 *
 * @example if (order.isCancelled) return discard('the order was cancelled')
 */
export function discard(reason: string | Error): Discard {
  return answer({ is: 'discard', reason: isError(reason) ? textOfError(reason) : textOf(reason) })
}

/**
 * Return this from a handler: there was nothing to do. The delivery is done, and the record says that it was skipped, and why;
 * keep secrets out of `reason`. If you know that before, use `interested`: then no delivery is written at all.
 *
 * @example if (invoice.isPaid) return skip('it was paid meanwhile')
 */
export function skip(reason: string): Skip {
  return answer({ is: 'skip', reason: textOf(reason) })
}

/** Makes sure that the reason is text, because code without types may pass anything, and only text can be stored. */
function textOf(reason: unknown): string {
  return String(reason)
}

/**
 * Return this from a handler: the event comes again later, and no attempt is used up. It keeps its place in its lane, so the
 * later events of its key wait too.
 *
 * @example if (invoice.isOpen) return snooze({ minutes: 10 })
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the time is not positive or longer than 365 days.
 */
export function snooze(time: SnoozeFor): Snooze {
  const delayMs = ((time.hours ?? 0) * 60 + (time.minutes ?? 0)) * 60_000 + (time.seconds ?? 0) * 1_000
  if (delayMs > 0 && delayMs <= MAX_SNOOZE_MS) return answer({ is: 'snooze', delayMs })
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `snooze(${JSON.stringify(time)}): expected a time above 0 and up to 365 days, such as { seconds: 30 }.`,
  )
}

/**
 * Return this from a handler that has started something which goes on elsewhere: a payment, an approval. The delivery stays open without using
 * a slot, until `bus.deliveries.complete`, `skip` or `fail` is called with `context.deliveryId`. The later events of its key wait. After
 * `timeoutMs` milliseconds (at least 1 ms, at most 365 days) the attempt has failed, and is tried again as usual.
 *
 * @example
 * await payments.charge(event.data, { reference: context.deliveryId })
 * return awaitCompletion({ timeoutMs: 3_600_000 })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the time is not positive or longer than 365 days.
 */
export function awaitCompletion({ timeoutMs }: { readonly timeoutMs: number }): AwaitCompletion {
  if (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= MAX_SNOOZE_MS)
    return answer({ is: 'await', timeoutMs })
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `awaitCompletion({ timeoutMs: ${String(timeoutMs)} }): expected milliseconds from 1 to ${MAX_SNOOZE_MS} (365 days).`,
  )
}

/** Whether a handler's return value is one of the outcomes above, and not a value of its own. */
export function isAnswer(value: unknown): value is Skip | Failed | Discard | Snooze | AwaitCompletion {
  return typeof value === 'object' && value !== null && ANSWER in value
}

function answer<Is extends string, Fields extends { is: Is }>(fields: Fields): Fields & Answer<Is> {
  return Object.freeze({ [ANSWER]: true as const, ...fields })
}

/** The outcome of one attempt: the closed list by which a worker settles. */
export type Outcome =
  | { readonly is: 'done'; readonly result: unknown }
  | { readonly is: 'skipped'; readonly reason: string }
  | { readonly is: 'expired'; readonly reason: string }
  | { readonly is: 'superseded'; readonly reason: string }
  | { readonly is: 'cancelled'; readonly reason: string }
  | { readonly is: 'retry'; readonly delayMs: number; readonly error: unknown }
  | { readonly is: 'snoozed'; readonly delayMs: number }
  | { readonly is: 'awaiting'; readonly timeoutMs: number }
  | { readonly is: 'put-back'; readonly delayMs: number; readonly reason: PostbusError }
  | { readonly is: 'dead'; readonly reason: string; readonly error: unknown; readonly onDead: 'continue' | 'block' }
