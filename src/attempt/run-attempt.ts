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
import { superseded, type SupersedeParts } from './superseded.ts'

export interface AttemptParts extends OwnTransactionParts, FetchParts, SupersedeParts {
  readonly registry: Registry
  /** Returns what became of an event at its handlers, for a finisher. */
  deliveriesOf(event: StoredEvent): Promise<readonly EndedDelivery[]>
}

/** Runs one attempt. `abort` ends it from outside: its claim was lost, or the worker stops. */
export type Attempt = (delivery: ClaimedDelivery, abort: AbortController) => Promise<Outcome>

/** Rejects when a query fails, or when the handler's result cannot be read: `concluded-attempt.ts` makes that a retry. */
export async function runAttempt(
  delivery: ClaimedDelivery,
  abort: AbortController,
  parts: AttemptParts,
): Promise<Outcome> {
  const handler = parts.registry.handlerNamed(delivery.handler)
  if (!handler) return putBack(unknownHandler(delivery))
  return decided(delivery, handler, await attempted({ delivery, handler, abort }, parts), parts)
}

async function attempted(call: Omit<HandlerCall, 'event'>, parts: AttemptParts): Promise<Undecided> {
  const { delivery, handler } = call
  const completed = needsTransaction(handler) ? await completedBefore(delivery, parts) : null
  if (completed) return outcomeOf(delivery, handler, completed)

  const opened = openedFor(delivery, handler, parts)
  if (opened.is === 'not-called') return opened.outcome
  const uninterested = opened.isUnasked
    ? await uninterestedInShadow(opened.event as ShadowEvent, delivery, handler)
    : null
  if (uninterested) return uninterested
  const passedOver = await superseded(delivery, handler, parts)
  return passedOver ?? outcomeOf(delivery, handler, await answerTo({ ...call, event: opened.event }, parts))
}

/** A batch handler that is called for one delivery alone has a batch of one. */
async function answerTo(call: HandlerCall, parts: AttemptParts): Promise<Answer> {
  const { delivery, event } = call
  const handler = finishing(call.handler, async () => parts.deliveriesOf(delivery.event!)) ?? call.handler // it was opened
  if (handler.batch) return (await answersTo({ ...call, members: [call] }, parts))(event.id)
  if (!needsTransaction(handler) || parts.tx !== undefined) return callHandler({ ...call, handler }, parts)
  const run = async (_: unknown, within: CallParts) => {
    const answer = await callHandler({ ...call, handler }, within)
    return () => answer
  }
  return (await callInOwnTransaction({ ...call, handler, members: [call], run }, parts)).get(delivery.id)!
}
