/** Runs one batch handler on some events without a queue, to test the handler alone, through the same steps as in a worker. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { BatchHandler } from '../handlers/batch-handler.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { EventFor, ListensTo } from '../handlers/listens-to.ts'
import { callBatch } from '../attempt/batch-call.ts'
import type { BatchMember } from '../attempt/batch-member.ts'
import { preparedRun, resultOf, type RunEventOptions, type RunEventResult } from './prepared-run.ts'

/**
 * How one event ended. `not_run`: an earlier event with the same partition key failed, was snoozed or awaits completion. The handler
 * had this event in the batch, but a worker would run it again, after that one.
 */
export type RunEventsResult<Result> = RunEventResult<Result> | { readonly state: 'not_run' }

/**
 * Asks the handler for each event whether it is interested. The handler gets the events that it wants as one batch, with a worker's
 * timeout and context. Returns how each event ended, in the given order.
 *
 * @example
 * const [good, bad] = await runEvents(store, [OrderCreated({ total: 42 }), OrderCreated({ total: -1 })])
 * expect(bad).toEqual({ state: 'discarded', reason: 'a negative total' })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for more events than `batchSize`, or one event twice; and what `runEvent` throws.
 */
export async function runEvents<Listens extends ListensTo, Result>(
  handler: BatchHandler<string, Listens, Result>,
  events: readonly EventFor<NoInfer<Listens>>[],
  options: RunEventOptions = {},
): Promise<readonly RunEventsResult<Result>[]> {
  return resultsOf<Result>(handler, events, options)
}

async function resultsOf<Result>(
  handler: AnyHandler,
  events: readonly Envelope[],
  options: RunEventOptions,
): Promise<readonly RunEventsResult<Result>[]> {
  const size = handler.batch?.batchSize
  if (size === undefined) throw refusal(`"${handler.name}" takes one event at a time: use runEvent(handler, event).`)
  if (events.length > size) throw refusal(`"${handler.name}" takes at most ${size} events, but got ${events.length}.`)
  if (new Set(events.map(({ id }) => id)).size < events.length) throw refusal('one event was given twice.')

  const prepared = await Promise.all(events.map((event) => preparedRun('runEvents()', handler, event, options)))
  const members = prepared.flatMap(({ member }) => (member ? [member] : []))
  const [first] = prepared
  if (!first || members.length === 0) return events.map(() => ({ state: 'not_interested' }))

  const answerFor = await callBatch({ handler, members, abort: new AbortController() }, first.parts)
  const stopped = new Set<string>()
  return prepared.map(({ member }) =>
    member
      ? inItsLane(member, stopped, () => resultOf<Result>(answerFor(member.event.id)))
      : { state: 'not_interested' },
  )
}

/** `stopped`: the partition keys of events that a worker would run again. */
function inItsLane<Result>(
  { event: { partitionKey } }: BatchMember,
  stopped: Set<string>,
  result: () => RunEventsResult<Result>,
): RunEventsResult<Result> {
  if (partitionKey === null) return result()
  if (stopped.has(partitionKey)) return { state: 'not_run' }
  const became = result()
  if (became.state === 'failed' || became.state === 'snoozed' || became.state === 'awaiting') stopped.add(partitionKey)
  return became
}

function refusal(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `runEvents(): ${problem}`)
}
