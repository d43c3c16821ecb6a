/** Calls a batch handler and returns its answer for each event of the batch: in a transaction of the application, if the handler needs one. */
import { needsTransaction } from '../handlers/transactional.ts'
import { callBatch, type AnswerFor } from './batch-call.ts'
import type { BatchCall, BatchMember } from './batch-member.ts'
import type { CallParts } from './call-handler.ts'
import type { Answer } from './handler-call.ts'
import { callInOwnTransaction, completedAmong, type OwnTransactionParts } from './in-own-transaction.ts'

/** Never rejects. */
export async function answersTo(call: BatchCall, parts: OwnTransactionParts): Promise<AnswerFor> {
  if (!needsTransaction(call.handler) || parts.tx !== undefined) return callBatch(call, parts)

  const ids = new Map(call.members.map(({ delivery, event }) => [event.id, delivery.id]))
  const before = await completedAmong(call.members, parts).catch(() => NONE) // the transaction finds out then
  const members = call.members.filter(({ delivery }) => !before.has(delivery.id))
  const run = async (some: readonly BatchMember[], within: CallParts) => {
    const answerFor = await callBatch({ ...call, members: some }, within)
    return ({ event }: BatchMember) => answerFor(event.id)
  }
  const answers =
    members.length === 0
      ? before
      : new Map([...before, ...(await callInOwnTransaction({ ...call, members, run }, parts))])
  return (eventId) => answers.get(ids.get(eventId) ?? '')!
}

const NONE: ReadonlyMap<string, Answer> = new Map()
