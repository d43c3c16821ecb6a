/**
 * One attempt at one delivery, step by step: from the stored row to an outcome. Workers run all their attempts here, and so does a
 * test's drain. This file has no SQL, and asks the database only through its parts. Its callers settle the outcome.
 */
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import { finishing } from '../handlers/finishers.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Registry } from '../handlers/registry.ts'
import { needsTransaction } from '../handlers/transactional.ts'
import { answersTo } from './batch-answers.ts'
import { callHandler, type CallParts } from './call-handler.ts'
import type { Answer, HandlerCall } from './handler-call.ts'
import { uninterestedInShadow } from './interest.ts'
import { callInOwnTransaction, completedBefore, type OwnTransactionParts } from './in-own-transaction.ts'
import { decided, type Undecided } from './on-dead.ts'
import { openedFor } from './opened-for.ts'
import { outcomeOf, putBack, unknownHandler } from './outcome-of.ts'
import type { FetchParts } from './shadow-event.ts'
import { mayBeSuperseded, superseded, type SupersedeParts } from './superseded.ts'

export interface AttemptParts extends OwnTransactionParts, FetchParts, SupersedeParts {
  readonly registry: Registry
  /** Returns what became of an event at its handlers, for a finisher. */
  deliveriesOf(event: StoredEvent): Promise<readonly EndedDelivery[]>
}

/**
 * Runs one attempt. `abort` ends it from outside: its claim was lost, or the worker stops. Returns the outcome itself if the attempt had nothing to wait for: needless promises took a seventh of a worker's time. Never throws: after an
 * error it returns a promise that rejects.
 */
export type Attempt = (delivery: ClaimedDelivery, abort: AbortController) => Outcome | Promise<Outcome>

type Awaitable<Value> = Value | Promise<Value>

/** Fails when a query fails, or when the handler's result cannot be read: `concluded-attempt.ts` makes that a retry. */
export function runAttempt(delivery: ClaimedDelivery, abort: AbortController, parts: AttemptParts): Awaitable<Outcome> {
  try {
    const handler = parts.registry.handlerNamed(delivery.handler)
    if (!handler) return putBack(unknownHandler(delivery))
    const call = { delivery, handler, abort }
    const undecided = needsTransaction(handler) ? unlessCompleted(call, parts) : attempted(call, parts)
    return next(undecided, (outcome) => decided(delivery, handler, outcome, parts))
  } catch (error) {
    return Promise.reject(error)
  }
}

async function unlessCompleted(call: Omit<HandlerCall, 'event'>, parts: AttemptParts): Promise<Undecided> {
  const completed = await completedBefore(call.delivery, parts)
  return completed ? outcomeOf(call.delivery, call.handler, completed) : attempted(call, parts)
}

function attempted(unopened: Omit<HandlerCall, 'event'>, parts: AttemptParts): Awaitable<Undecided> {
  const { delivery, handler } = unopened
  const opened = openedFor(delivery, handler, parts)
  if (opened.is === 'not-called') return opened.outcome
  const call = { delivery, handler, abort: unopened.abort, event: opened.event }
  if (opened.isUnasked || mayBeSuperseded(delivery, handler)) return unlessNeedless(call, opened, parts)
  return called(call, parts)
}

async function unlessNeedless(
  call: HandlerCall,
  { isUnasked }: { readonly isUnasked?: true },
  parts: AttemptParts,
): Promise<Undecided> {
  const { delivery, handler, event } = call
  const uninterested = isUnasked ? await uninterestedInShadow(event as ShadowEvent, delivery, handler) : null
  return uninterested ?? (await superseded(delivery, handler, parts)) ?? called(call, parts)
}

function called(call: HandlerCall, parts: AttemptParts): Awaitable<Undecided> {
  const { delivery, handler } = call
  const finisher = finishing(handler, async () => parts.deliveriesOf(delivery.event!)) // it exists: the event was opened
  const answer = answerTo(finisher ? { ...call, handler: finisher } : call, parts)
  return next(answer, (one) => outcomeOf(delivery, handler, one))
}

/** A batch handler that is called for one delivery alone has a batch of one. */
function answerTo(call: HandlerCall, parts: AttemptParts): Awaitable<Answer> {
  const { delivery, event, handler } = call
  if (handler.batch) return answersTo({ ...call, members: [call] }, parts).then((answerFor) => answerFor(event.id))
  if (!needsTransaction(handler) || parts.tx !== undefined) return callHandler(call, parts)
  const run = async (_: unknown, within: CallParts) => {
    const answer = await callHandler(call, within)
    return () => answer
  }
  const all = callInOwnTransaction({ ...call, members: [call], run }, parts)
  return all.then((answers) => answers.get(delivery.id)!)
}

function next<Value, Result>(value: Awaitable<Value>, then: (value: Value) => Result): Awaitable<Result> {
  return value instanceof Promise ? value.then(then) : then(value)
}
