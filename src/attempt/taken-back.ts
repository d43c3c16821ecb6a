/**
 * Which events a transactional batch must not commit: the ones that failed, and later ones of their keys. The transaction is rolled back. The
 * handler is called again with the other events, so nothing that it wrote for these remains.
 */
import { isAnswer, snooze } from '../handlers/outcome.ts'
import type { BatchCall } from './batch-member.ts'
import type { Answer } from './handler-call.ts'

/** Returns their answers, by the ids of their deliveries; nothing, where all of it can be committed. */
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

/** Only what is done, or had nothing to do. What failed, snoozes or is discarded leaves nothing. */
function isToCommit(answer: Answer): boolean {
  return !answer.threw && (!isAnswer(answer.value) || answer.value.is === 'skip')
}

/** One that is discarded makes way, unless its handler may want to hold the key. */
function mayHoldKey(answer: Answer, onDead: BatchCall['handler']['options']['onDead']): boolean {
  const isDiscarded = !answer.threw && isAnswer(answer.value) && answer.value.is === 'discard'
  return !isDiscarded || onDead !== 'continue'
}

/** It comes again, after the one that holds its key; no attempt of it is used up. */
const NOT_RUN: Answer = { threw: false, value: snooze({ seconds: 0.001 }) }
