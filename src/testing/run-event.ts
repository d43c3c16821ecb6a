/** Runs one handler on one event without a queue, to test the handler alone, through the same steps as in a worker. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { AnyHandler, Handler } from '../handlers/handler.ts'
import type { EventFor, ListensTo } from '../handlers/listens-to.ts'
import { callHandler } from '../attempt/call-handler.ts'
import type { Answer } from '../attempt/handler-call.ts'
import { preparedRun, resultOf, type RunEventOptions, type RunEventResult } from './prepared-run.ts'

/**
 * Asks the handler whether it is interested. If so, the handler gets a copy of the event that went through the codec, with a
 * worker's timeout and context. The mode decides what happens to the events that it publishes. Returns how the attempt ended.
 *
 * @example
 * const ran = await runEvent(createInvoice, OrderCreated({ orderId: 'o-1', total: 42 }))
 * expect(ran).toEqual({ state: 'processed', result: { invoiceId: 'i-1' } })
 *
 * @throws {PostbusError} `POSTBUS_INTERESTED_FAILED`, `POSTBUS_UNSERIALIZABLE`, `POSTBUS_INVALID_EVENT`,
 * `POSTBUS_INVALID_OPTIONS`. An error that the handler throws is not thrown here: it becomes the state `failed`.
 */
export async function runEvent<Listens extends ListensTo, Result>(
  handler: Handler<string, Listens, Result>,
  event: EventFor<NoInfer<Listens>>,
  options: RunEventOptions = {},
): Promise<RunEventResult<Result>> {
  const answer = await answerTo(handler, event, options)
  return answer === null ? { state: 'not_interested' } : resultOf<Result>(answer)
}

/**
 * Like `runEvent`, for tests in which the handler must succeed.
 *
 * @throws {PostbusError} `POSTBUS_ATTEMPT_FAILED`, with the handler's name and the cause, when it failed, discarded, snoozed or
 * awaits completion.
 */
export async function runEventOrThrow<Listens extends ListensTo, Result>(
  handler: Handler<string, Listens, Result>,
  event: EventFor<NoInfer<Listens>>,
  options: RunEventOptions = {},
): Promise<Extract<RunEventResult<Result>, { state: 'processed' | 'not_interested' | 'skipped' }>> {
  const ran = await runEvent(handler, event, options)
  switch (ran.state) {
    case 'processed':
    case 'not_interested':
    case 'skipped':
      return ran
    case 'failed':
      throw notDone(handler, `failed: ${ran.reason}`, ran.cause)
    case 'discarded':
      throw notDone(handler, `discarded the event: ${ran.reason}`)
    case 'snoozed':
      throw notDone(handler, `snoozed for ${ran.delayMs / 1_000} s`)
    case 'awaiting':
      throw notDone(handler, 'waits to be told how it ended')
  }
}

/** Returns null if the handler is not interested. */
async function answerTo(handler: AnyHandler, event: Envelope, options: RunEventOptions): Promise<Answer | null> {
  if (handler.batch) throw isBatchHandler(handler)
  const { member, parts } = await preparedRun('runEvent()', handler, event, options)
  return member && callHandler({ ...member, handler, abort: new AbortController() }, parts)
}

function notDone({ name }: AnyHandler, what: string, cause?: unknown): PostbusError {
  return new PostbusError('POSTBUS_ATTEMPT_FAILED', `Handler "${name}" ${what}`, cause === undefined ? {} : { cause })
}

function isBatchHandler({ name }: AnyHandler): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `runEvent(): "${name}" is a batch handler: run it with runEvents(handler, [event]).`,
  )
}
