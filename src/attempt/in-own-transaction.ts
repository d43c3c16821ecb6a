/**
 * Calls a handler with `transactional: true`: in a transaction of the application, in which its delivery is completed as well.
 *
 *   begin ──► handler ──► complete, if the claim is still ours ──► commit ──► settled, as every other delivery
 *                │ throws, fails, snoozes; its time is over; the claim is lost
 *                └──► rolled back
 *
 * Between the commit and the settle a worker may die, or the answer to the commit be lost: what is committed has said so in its own
 * transaction, and the next attempt does not begin, or does not commit. A handler whose time is over is waited for, and its
 * transaction stays open until then: what it writes late is rolled back with the rest, and its connection is not used for anything else meanwhile.
 */
import { delay } from '../clock.ts'
import type { Completed, Completions } from '../deliveries/own-commits.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import { isAnswer, skip } from '../handlers/outcome.ts'
import { isConflict } from '../transactions/database-error.ts'
import { notRun, transactionRequired } from '../transactions/refusal.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import { callHandler, type CallParts } from './call-handler.ts'
import type { Answer, HandlerCall } from './handler-call.ts'

export interface OwnTransactionParts extends CallParts {
  /** Runs work in a transaction of the application. */
  readonly transaction?: RunTransaction | undefined
  readonly completions?: Completions
}

/** Transactions that met each other are run again so often, without using up an attempt. */
const MOST_CONFLICTS = 4
const FIRST_PAUSE_MS = 20
/** How often the database is asked what has become of a commit whose answer was lost, and how long it gets in between. */
const MOST_QUESTIONS = 10
const QUESTION_MS = 500

/** What is known of a transaction when it has ended. */
type End =
  | { readonly is: 'not-run' }
  /** It has not asked for the commit. */
  | { readonly is: 'rolled-back'; readonly answer: Answer }
  | { readonly is: 'asked'; readonly answer: Answer }

/** Never rejects: an error of the handler, the client or the database is returned as the answer. */
export async function callInOwnTransaction(call: HandlerCall, parts: OwnTransactionParts): Promise<Answer> {
  for (let conflicts = 1; ; conflicts += 1) {
    const answer = await tryOnce(call, parts)
    const isOver = !answer.threw || !isConflict(answer.error) || call.abort.signal.aborted
    if (isOver || conflicts === MOST_CONFLICTS) return answer
    await delay(FIRST_PAUSE_MS * 2 ** conflicts * Math.random())
  }
}

/** What an earlier attempt has committed; `null`: nothing, or there was none. */
export async function completedBefore(
  delivery: ClaimedDelivery,
  { tx, completions }: OwnTransactionParts,
): Promise<Answer | null> {
  if (tx !== undefined || !completions || (delivery.attempt === 1 && !delivery.wasLost)) return null
  const found = await completions.find(delivery)
  return found && answerOf(found)
}

async function tryOnce(call: HandlerCall, parts: OwnTransactionParts): Promise<Answer> {
  const { transaction, completions } = parts
  if (!transaction || !completions) return threw(transactionRequired([call.handler]))

  let end: End = { is: 'not-run' }
  try {
    await transaction(async (tx: PublishTransaction) => {
      const answer = withoutWaiting(await callHandler(call, { ...parts, tx }), call)
      end = { is: 'rolled-back', answer }
      if (!isToCommit(answer)) throw answer.threw ? answer.error : new NothingToCommit()
      end = { is: 'asked', answer }
      const completing = await completions.complete(tx, call.delivery, skippedBy(answer))
      if (completing === 'ours') return
      end = { is: 'rolled-back', answer: completing === 'lost' ? threw(claimLost(call)) : done }
      throw new NothingToCommit()
    })
  } catch (error) {
    return afterRejection(end, error, call, completions)
  }
  return endOf(end)
}

function endOf(end: End): Answer {
  return end.is === 'not-run' ? threw(notRun()) : end.answer
}

/** What a client says about the rollback of what the handler threw is less than what the handler threw. */
async function afterRejection(end: End, error: unknown, call: HandlerCall, completions: Completions): Promise<Answer> {
  if (end.is === 'rolled-back') return end.answer
  if (end.is === 'not-run' || isConflict(error)) return threw(error)
  return (await committed(call, completions)) ?? threw(error)
}

/** The commit, or the question whether there may be one, has failed: the answer may be lost, and the commit be there. */
async function committed(
  { delivery, abort }: HandlerCall,
  { find }: Pick<Completions, 'find'>,
): Promise<Answer | null> {
  for (let questions = 1; questions <= MOST_QUESTIONS; questions += 1) {
    try {
      const found = await find(delivery)
      return found && answerOf(found)
    } catch {
      if (abort.signal.aborted) return null // the next attempt asks again
      await delay(QUESTION_MS)
    }
  }
  return null
}

function answerOf({ skipped }: Completed): Answer {
  return skipped === null ? done : { threw: false, value: skip(skipped) }
}

const done: Answer = { threw: false, value: undefined }

/** Only what is done, or had nothing to do. What failed, snoozes or is discarded leaves nothing. */
function isToCommit(answer: Answer): boolean {
  return !answer.threw && (!isAnswer(answer.value) || answer.value.is === 'skip')
}

/** Its transaction ends now, and a delivery that waits has not ended: what it wrote would be lost without a word. */
function withoutWaiting(answer: Answer, { handler }: HandlerCall): Answer {
  if (answer.threw || !isAnswer(answer.value) || answer.value.is !== 'await') return answer
  const what = `Handler "${handler.name}" is transactional and returned awaitCompletion(…), so what it wrote was rolled back`
  return threw(
    new PostbusError(
      'POSTBUS_ATTEMPT_FAILED',
      `${what}: its transaction ends with the attempt. Take \`transactional\` out.`,
    ),
  )
}

function skippedBy(answer: Answer): string | null {
  return !answer.threw && isAnswer(answer.value) && answer.value.is === 'skip' ? storable(answer.value.reason) : null
}

function storable(reason: string): string {
  return reason.replaceAll('\u0000', '\\0').toWellFormed().slice(0, 2_000)
}

function threw(error: unknown): Answer {
  return { threw: true, error }
}

function claimLost({ delivery }: HandlerCall): PostbusError {
  const what = `The claim of delivery ${delivery.id} was lost to another worker`
  return new PostbusError('POSTBUS_CLAIM_LOST', `${what}; its transaction was rolled back.`)
}

/** Makes the client roll back, where there is no error to tell. */
class NothingToCommit extends Error {
  constructor() {
    super('Nothing of this transaction is to be committed.')
  }
}
