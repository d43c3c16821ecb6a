/**
 * Finds the events that a transactional batch must not commit: the failed ones, and later ones of their keys. The transaction is rolled back,
 * so nothing that the handler wrote for these events remains. The handler is called again with the other events.
 */
import { isAnswer, snooze } from '../handlers/outcome.ts'
import type { BatchCall } from './batch-member.ts'
import type { Answer } from './handler-call.ts'

/** Returns the answers of these events, by the ids of their deliveries. Empty: the whole batch can be committed. */
export function takenBack(
  { members, handler }: Pick<BatchCall, 'members' | 'handler'>,
  answers: ReadonlyMap<string, Answer>,
): ReadonlyMap<string, Answer> {
  const found = new Map<string, Answer>()
  const held = new Set<string>()
  for (const { delivery, event } of members) {
    const { partitionKey } = event
    const answer = answers.get(delivery.id)!
    if (partitionKey !== null && held.has(partitionKey)) found.set(delivery.id, NOT_RUN)
    else if (!isToCommit(answer)) {
      found.set(delivery.id, answer)
      if (partitionKey !== null && mayHoldKey(answer, handler.options.onDead)) held.add(partitionKey)
    }
  }
  return found
}

/** Only a done or skipped event is committed. A failed, snoozed or discarded one must leave no effects. */
function isToCommit(answer: Answer): boolean {
  return !answer.threw && (!isAnswer(answer.value) || answer.value.is === 'skip')
}

/** A discarded event does not hold its key, unless its handler's `onDead` may want that. */
function mayHoldKey(answer: Answer, onDead: BatchCall['handler']['options']['onDead']): boolean {
  const isDiscarded = !answer.threw && isAnswer(answer.value) && answer.value.is === 'discard'
  return !isDiscarded || onDead !== 'continue'
}

/** The event comes again after the one that holds its key, and uses up no attempt. */
const NOT_RUN: Answer = { threw: false, value: snooze({ seconds: 0.001 }) }
