/**
 * One attempt at one delivery, step by step: from the stored row to an outcome. Workers run all of their attempts here, and
 * so does a test's drain. Touches no database: settling is for others.
 */
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import type { EndedDelivery } from '../events/event-type.ts'
import { PostbusError } from '../errors.ts'
import { finishing } from '../handlers/finishers.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Registry } from '../handlers/registry.ts'
import { needsTransaction } from '../handlers/transactional.ts'
import { toldOrTimedOut } from './awaited.ts'
import { callHandler } from './call-handler.ts'
import { Deadlines } from './deadlines.ts'
import type { HandlerCall } from './handler-call.ts'
import { callInOwnTransaction, completedBefore, type OwnTransactionParts } from './in-own-transaction.ts'
import { noLongerWanted } from './no-longer-wanted.ts'
import { decided, type Undecided } from './on-dead.ts'
import { openedOrError } from './open-envelope.ts'
import { shadowOrError, type FetchParts } from './shadow-event.ts'
import { superseded, type SupersedeParts } from './superseded.ts'
import { dead, eventGone, outcomeOf, putBack, unknownHandler, usedUp } from './outcome-of.ts'
import { versionMisfit } from './version-misfit.ts'

export interface AttemptParts extends OwnTransactionParts, FetchParts, SupersedeParts {
  readonly registry: Registry
  /** What became of an event at its handlers, for a finisher. */
  deliveriesOf(event: StoredEvent): Promise<readonly EndedDelivery[]>
}

/** Runs one attempt. `abort` ends it from outside: its claim was lost, or the worker stops. */
export type Attempt = (delivery: ClaimedDelivery, abort: AbortController) => Promise<Outcome>

/** Returns the function that runs attempts with these parts. All of its attempts share one list of deadlines. */
export function attemptWith(given: Omit<AttemptParts, 'deadlines'>): Attempt {
  const parts = { ...given, deadlines: new Deadlines() }
  return (delivery, abort) => runAttempt(delivery, abort, parts)
}

/** Rejects only when the handler has returned something of which nothing can be asked: see `concluded-attempt.ts`. */
export async function runAttempt(
  delivery: ClaimedDelivery,
  abort: AbortController,
  parts: AttemptParts,
): Promise<Outcome> {
  const handler = parts.registry.handlerNamed(delivery.handler)
  if (!handler) return putBack(unknownHandler(delivery))
  return decided(delivery, handler, await attempted({ delivery, handler, abort }, parts), parts)
}

async function attempted(
  { delivery, handler, abort }: Omit<HandlerCall, 'event'>,
  parts: AttemptParts,
): Promise<Undecided> {
  const isTransactional = needsTransaction(handler)
  const completed = isTransactional ? await completedBefore(delivery, parts) : null
  if (completed) return outcomeOf(delivery, handler, completed)

  const stored = delivery.event
  if (!stored) return dead(handler, eventGone(delivery))
  const unwanted = noLongerWanted(stored)
  if (unwanted) return unwanted
  const ended = toldOrTimedOut(delivery, stored, handler)
  if (ended) return ended
  const reading = parts.registry.readingOf(handler, stored)
  const misfit = versionMisfit(handler, stored, reading)
  if (misfit) return misfit
  const passedOver = await superseded(delivery, handler, parts)
  if (passedOver) return passedOver
  if (delivery.attempt > handler.options.maxAttempts) return usedUp(delivery, handler)

  const event = handler.isShadow ? shadowOrError(stored, reading, parts) : openedOrError(stored, reading, parts.codec)
  if (event instanceof PostbusError) return dead(handler, event)
  const called = finishing(handler, () => parts.deliveriesOf(stored)) ?? handler
  const call = { delivery, handler: called, event, abort }
  const isAlone = isTransactional && parts.tx === undefined
  const answer = await (isAlone ? callInOwnTransaction(call, parts) : callHandler(call, parts))
  return outcomeOf(delivery, handler, answer)
}
