/**
 * Calls a handler with `transactional: true` in a transaction of the application, which also completes the handler's deliveries.
 *
 *   begin ──► handler ──► complete, if the claims are still ours ──► commit ──► settled, like every other delivery
 *                │ throws, fails, snoozes; its time is over; a claim is lost
 *                └──► rolled back ──► a batch: once more, without the events that failed and later ones of their keys
 *
 * Between the commit and the settle, a worker may die, or the answer to the commit may be lost. The transaction has recorded what it
 * completed, so the next attempt does not begin, or does not commit. When a handler's time is over, the worker waits for it, and its
 * transaction stays open until then: late writes are rolled back with the rest, and nothing else uses the connection meanwhile.
 */
import { delay } from '../clock.ts'
import type { Completed, Completions, NotCommitted } from '../deliveries/own-commits.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import { isAnswer, skip } from '../handlers/outcome.ts'
import { isConflict } from '../transactions/database-error.ts'
import { notRun, transactionRequired } from '../transactions/refusal.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { BatchCall, BatchMember } from './batch-member.ts'
import type { CallParts } from './call-handler.ts'
import type { Answer } from './handler-call.ts'
import { takenBack } from './taken-back.ts'

export interface OwnTransactionParts extends CallParts {
  /** Runs work in a transaction of the application. */
  readonly transaction?: RunTransaction | undefined
  readonly completions?: Completions
}

/** A call of a handler, for one event or for a batch. */
export interface OwnCall extends BatchCall {
  /** Calls the handler with these. Never rejects. Returns its answer for each. */
  run(members: readonly BatchMember[], parts: CallParts): Promise<(member: BatchMember) => Answer>
}

/** The handler's answers, by the ids of the deliveries. */
type Answers = ReadonlyMap<string, Answer>

/** A transaction that conflicts with another one is run at most this often, without using up an attempt. */
const MOST_CONFLICTS = 4
const FIRST_PAUSE_MS = 20
/** How often we ask at most about a commit whose answer was lost, and the wait after a question that failed. */
const MOST_QUESTIONS = 10
const QUESTION_MS = 500

/** What is known of a transaction when it has ended. */
type End =
  | { readonly is: 'not-run' }
  /** The commit was not requested. The handler is called again for members without an answer. */
  | { readonly is: 'rolled-back'; readonly answers: Answers }
  | { readonly is: 'asked'; readonly answers: Answers }

/** Never rejects: an error of the handler, the client or the database is returned as the answer. Returns one for each of the members. */
export async function callInOwnTransaction(call: OwnCall, parts: OwnTransactionParts): Promise<Answers> {
  const found = new Map<string, Answer>()
  let members = call.members
  do {
    for (const [id, answer] of await tryPatiently({ ...call, members }, parts)) found.set(id, answer)
    members = call.members.filter(({ delivery }) => !found.has(delivery.id))
  } while (members.length > 0 && !call.abort.signal.aborted)
  return new Map(call.members.map(({ delivery: { id } }) => [id, found.get(id) ?? threw(call.abort.signal.reason)]))
}

/** Returns what an earlier attempt has committed; `null`: it committed nothing, or there was no earlier attempt. */
export async function completedBefore(
  delivery: ClaimedDelivery,
  { tx, completions }: OwnTransactionParts,
): Promise<Answer | null> {
  if (tx !== undefined || !completions || isFirst(delivery)) return null
  const found = (await completions.find([delivery])).get(delivery.id)
  return found ? answerOf(found) : null
}

/** Does the same for a batch, with one query, if any of its deliveries was tried before. */
export async function completedAmong(members: readonly BatchMember[], parts: OwnTransactionParts): Promise<Answers> {
  const { completions } = parts
  if (!completions || members.every(({ delivery }) => isFirst(delivery))) return new Map()
  return answersOf(await completions.find(members.map(({ delivery }) => delivery)))
}

function isFirst({ attempt, wasLost = false }: ClaimedDelivery): boolean {
  return attempt === 1 && !wasLost
}

async function tryPatiently(call: OwnCall, parts: OwnTransactionParts): Promise<Answers> {
  for (let conflicts = 1; ; conflicts += 1) {
    const answers = await tryOnce(call, parts)
    const isOver = !hasConflict(answers) || call.abort.signal.aborted
    if (isOver || conflicts === MOST_CONFLICTS) return answers
    await delay(FIRST_PAUSE_MS * 2 ** conflicts * Math.random())
  }
}

function hasConflict(answers: Answers): boolean {
  return [...answers.values()].some((answer) => answer.threw && isConflict(answer.error))
}

/** Returns an answer for one of the members at least. */
async function tryOnce(call: OwnCall, parts: OwnTransactionParts): Promise<Answers> {
  const { transaction, completions } = parts
  const all = (answer: Answer): Answers => new Map(call.members.map(({ delivery }) => [delivery.id, answer]))
  if (!transaction || !completions) return all(threw(transactionRequired([call.handler])))

  let end: End = { is: 'not-run' }
  try {
    await transaction(async (tx: PublishTransaction) => {
      const answers = await answersIn(tx, call, parts)
      const refused = takenBack(call, answers)
      end = { is: 'rolled-back', answers: refused }
      if (refused.size > 0) throw reasonIn(refused)
      end = { is: 'asked', answers }
      const lost = await completions.complete(tx, completingOf(call.members, answers))
      if (lost.size === 0) return
      end = { is: 'rolled-back', answers: withoutCommit(lost) }
      throw new NothingToCommit()
    })
  } catch (error) {
    return afterRejection(end, error, { call, completions, all })
  }
  return endOf(end) ?? all(threw(notRun()))
}

/** `null`: the client did not run the callback. */
function endOf(end: End): Answers | null {
  return end.is === 'not-run' ? null : end.answers
}

async function answersIn(tx: PublishTransaction, call: OwnCall, parts: OwnTransactionParts): Promise<Answers> {
  const answerOfMember = await call.run(call.members, { ...parts, tx })
  return new Map(call.members.map((member) => [member.delivery.id, withoutWaiting(answerOfMember(member), call)]))
}

/** A client rolls back when its callback throws: we throw the handler's error, if there is one. */
function reasonIn(refused: Answers): unknown {
  const thrown = [...refused.values()].find((answer) => answer.threw)
  return thrown?.threw ? thrown.error : new NothingToCommit()
}

function completingOf(members: readonly BatchMember[], answers: Answers) {
  return members.map(({ delivery, head }) => ({ delivery, head, skipped: skippedBy(answers.get(delivery.id)) }))
}

function withoutCommit(lost: ReadonlyMap<string, NotCommitted>): Answers {
  return new Map([...lost].map(([id, what]) => [id, what === 'lost' ? threw(claimLost(id)) : done]))
}

interface Rejected {
  readonly call: OwnCall
  readonly completions: Completions
  all(answer: Answer): Answers
}

/** After a rollback, the handler's own error says more than the client's error about it. */
async function afterRejection(end: End, error: unknown, { call, completions, all }: Rejected): Promise<Answers> {
  if (end.is === 'rolled-back') return end.answers
  if (end.is === 'not-run' || isConflict(error)) return all(threw(error))
  return new Map([...all(threw(error)), ...(await committed(call, completions))])
}

/** The commit, or the check before it, has failed. Perhaps only its answer was lost, so we ask whether the commit is there. */
async function committed({ members, abort }: OwnCall, { find }: Pick<Completions, 'find'>): Promise<Answers> {
  for (let questions = 1; questions <= MOST_QUESTIONS; questions += 1) {
    try {
      return answersOf(await find(members.map(({ delivery }) => delivery)))
    } catch {
      if (abort.signal.aborted) return new Map() // the next attempt asks again
      await delay(QUESTION_MS)
    }
  }
  return new Map()
}

function answersOf(completed: ReadonlyMap<string, Completed>): Answers {
  return new Map([...completed].map(([id, one]) => [id, answerOf(one)]))
}

function answerOf({ skipped }: Completed): Answer {
  return skipped === null ? done : { threw: false, value: skip(skipped) }
}

const done: Answer = { threw: false, value: undefined }

/** The transaction ends now, but a delivery that waits has not ended: without this error, its writes would be lost silently. */
function withoutWaiting(answer: Answer, { handler }: OwnCall): Answer {
  if (answer.threw || !isAnswer(answer.value) || answer.value.is !== 'await') return answer
  const what = `Handler "${handler.name}" is transactional and returned awaitCompletion(…), so what it wrote was rolled back`
  return threw(
    new PostbusError(
      'POSTBUS_ATTEMPT_FAILED',
      `${what}: its transaction ends with the attempt. Take \`transactional\` out.`,
    ),
  )
}

function skippedBy(answer: Answer | undefined): string | null {
  return answer && !answer.threw && isAnswer(answer.value) && answer.value.is === 'skip'
    ? storable(answer.value.reason)
    : null
}

function storable(reason: string): string {
  return reason.replaceAll('\u0000', '\\0').toWellFormed().slice(0, 2_000)
}

function threw(error: unknown): Answer {
  return { threw: true, error }
}

function claimLost(id: string): PostbusError {
  const what = `The claim of delivery ${id} was lost to another worker`
  return new PostbusError('POSTBUS_CLAIM_LOST', `${what}; its transaction was rolled back.`)
}

/** Makes the client roll back when the handler has thrown no error. */
class NothingToCommit extends Error {
  constructor() {
    super('Nothing of this transaction is to be committed.')
  }
}
