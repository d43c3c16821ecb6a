/**
 * The one place where a batch handler is called: with the events of its batch, under one deadline. What it returns is the answer for
 * each event that it set no other outcome for. An error that it throws is the answer for all of them. It runs outside any trace: its
 * events may have many causes, and `context.publish` is told which event is the cause.
 */
import { aroundHandle } from '../middleware/around-handle.ts'
import { batchHooks } from '../middleware/channels.ts'
import { withoutTrace } from '../publishing/trace.ts'
import { reportOverdue } from './attempt-signals.ts'
import { batchContextFor } from './batch-context.ts'
import type { BatchCall } from './batch-member.ts'
import { MemberOutcomes } from './batch-outcomes.ts'
import type { CallParts } from './call-handler.ts'
import type { Answer } from './handler-call.ts'

/** Returns what the handler answered for the event with this id. */
export type AnswerFor = (eventId: string) => Answer

/** Never rejects: an error of the handler is an answer too. */
export async function callBatch(call: BatchCall, parts: CallParts): Promise<AnswerFor> {
  const { handler, members } = call
  const outcomes = new MemberOutcomes(
    handler.name,
    members.map(({ event }) => event.id),
  )
  const deadline = parts.deadlines.start(call, () => reportOverdue(parts.emit, members[0]!.delivery))
  const events = Object.freeze(members.map(({ event }) => event))
  const context = batchContextFor(call, outcomes, parts)
  const handle = () => handler.handle(events as never, context as never)
  const handling = { events, handler: handler.name, context }
  const answer = deadline.end(await answerOf(() => aroundHandle(batchHooks(parts.middleware), handling, handle)))
  outcomes.end()
  return (id) => (answer.threw ? answer : { threw: false, value: outcomes.of(id, answer.value) })
}

async function answerOf(handle: () => unknown): Promise<Answer> {
  try {
    return { threw: false, value: await withoutTrace(handle) }
  } catch (error) {
    return { threw: true, error }
  }
}
