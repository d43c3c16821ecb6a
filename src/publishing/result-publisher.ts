/**
 * `publishResult`: runs a block, and publishes its result as an event, or its failure as another event. The event says when the
 * block began and when it ended.
 */
import { inspect } from 'node:util'
import { now } from '../clock.ts'
import { textOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { checkMetadata } from '../events/event-checks.ts'
import { checkOptions, isEventType } from '../events/event.ts'
import type { Envelope, EventOptions } from '../events/envelope.ts'
import type { PublishOptions } from '../events/publish-result.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import { isAnswer, type Discard, type Failed } from '../handlers/outcome.ts'
import { isError, isPlainObject } from '../realm.ts'
import type { Emit } from '../signals.ts'
import type { BusParts } from './backend-override.ts'
import { transactionFor, type AmbientTransaction } from './transaction-for.ts'

/** The data that an event type takes: `InputOf<typeof OrderCreated>`. */
export type InputOf<Kind> = Kind extends (data: infer Input, options?: EventOptions) => unknown ? Input : never

/** What a block may return: the data of the event, or a failure. */
export type BlockResult<Kind> = InputOf<Kind> | Failed | Discard

/** The options of the event, besides its data. Its times come from the block. */
export type ResultOptions<ErrorKind extends AnyEventType | undefined = undefined> = PublishOptions &
  Omit<EventOptions, 'occurredAt' | 'initializedAt'> & {
    /** Published instead when the block throws, or returns `failed(…)` or `discard(…)`; never inside `tx`. */
    readonly errorEvent?: ErrorKind
  } & ErrorData<ErrorKind>

/** `errorData` makes the data of the error event from the error. It is optional if the event type takes `{ message }`. */
type ErrorData<ErrorKind> = [ErrorKind] extends [undefined]
  ? { readonly errorData?: never }
  : { readonly message: string } extends InputOf<ErrorKind>
    ? { readonly errorData?: (error: unknown) => InputOf<ErrorKind> }
    : { readonly errorData: (error: unknown) => InputOf<ErrorKind> }

export interface ResultPublisher {
  /**
   * Runs a block, and publishes its result as the data of an event, with the times at which the block began (`initializedAt`) and
   * ended (`occurredAt`). Returns what the block returned.
   *
   * When the block throws, or returns `failed(…)` or `discard(…)`, the `errorEvent` is published instead, if there is one. A thrown
   * error is thrown again. With `tx`, the event belongs to that transaction. The error event is always published on its own,
   * because a transaction whose work has failed is rolled back. If it cannot be published, the bus emits the signal
   * `error-event.unpublished`.
   *
   * @example
   * const order = await bus.publishResult(OrderImported, { errorEvent: ImportFailed }, async () => importOrder(file))
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` before the block runs; `POSTBUS_INVALID_EVENT` when its result is not valid
   * data of the event; and what `publish` throws. In these cases there is no error event, because the block did not fail.
   */
  publishResult<
    Kind extends AnyEventType,
    Result extends BlockResult<Kind>,
    ErrorKind extends AnyEventType | undefined = undefined,
  >(
    eventType: Kind,
    options: ResultOptions<ErrorKind>,
    block: () => Result | Promise<Result>,
  ): Promise<Result>
}

/** The given options, with loose types. */
interface GivenOptions extends PublishOptions, Omit<EventOptions, 'occurredAt' | 'initializedAt'> {
  readonly errorEvent?: AnyEventType | undefined
  readonly errorData?: ((error: unknown) => unknown) | undefined
}

interface ResultParts {
  readonly emit: Emit
  readonly ambient: AmbientTransaction
  readonly publish: BusParts['publish']
}

export function resultPublisher({ emit, ambient, publish }: ResultParts): ResultPublisher['publishResult'] {
  async function publishResult(eventType: AnyEventType, options: GivenOptions, block: () => unknown): Promise<unknown> {
    check(eventType, options, block)
    transactionFor(options, ambient, { call: publishResult, named: 'publish()' }) // before the block does anything
    const { tx, errorEvent, errorData = messageOf, id, ...about } = options
    const initializedAt = now()

    async function publishFailure(error: unknown): Promise<void> {
      if (!errorEvent) return
      try {
        const event = made(errorEvent, errorData(error), { ...about, ...timesSince(initializedAt) })
        await publish(event, { tx: 'own' }) // the caller's transaction is about to be rolled back
      } catch (problem) {
        reportUnpublished(emit, errorEvent, problem)
      }
    }

    let result: unknown
    try {
      result = await block()
    } catch (error) {
      await publishFailure(error)
      throw error
    }
    if (hasFailed(result)) {
      await publishFailure(errorOf(result))
      return result
    }
    const named = id === undefined ? about : { ...about, id }
    const event = made(eventType, result, { ...named, ...timesSince(initializedAt) })
    await publish(event, tx === undefined ? {} : { tx })
    return result
  }
  return publishResult as ResultPublisher['publishResult'] // it returns what the block returns, which the compiler cannot know
}

type MakesEvents = (data: unknown, options: EventOptions) => Envelope

/** The schema of the event type checks the data, which the compiler cannot know. */
function made(eventType: AnyEventType, data: unknown, options: EventOptions): Envelope {
  return (eventType as unknown as MakesEvents)(data, options)
}

/** If the clock was set back meanwhile, the duration is 0 and not negative. */
function timesSince(initializedAt: Date): Pick<EventOptions, 'initializedAt' | 'occurredAt'> {
  return { initializedAt, occurredAt: new Date(Math.max(initializedAt.getTime(), now().getTime())) }
}

function hasFailed(result: unknown): result is Failed | Discard {
  return isAnswer(result) && (result.is === 'failed' || result.is === 'discard')
}

/** For `failed(error)`, returns that error. A reason given as text becomes an error. */
function errorOf(answer: Failed | Discard): unknown {
  const cause = 'cause' in answer ? answer.cause : undefined
  if (isError(cause) && textOfError(cause) === answer.reason) return cause
  return new PostbusError('POSTBUS_ATTEMPT_FAILED', answer.reason, cause === undefined ? {} : { cause })
}

function messageOf(error: unknown): { message: string } {
  return { message: textOfError(error) }
}

/** Only reports the problem, because the result or the error of the block must reach the caller. */
function reportUnpublished(emit: Emit, { type }: AnyEventType, problem: unknown): void {
  const message = `${type} was to say that a block failed, and could not be published: ${textOfError(problem)}`
  emit('error', 'error-event.unpublished', message, { type })
}

const FIELDS = ['tx', 'errorEvent', 'errorData', 'id', 'correlationId', 'causationId', 'source', 'metadata', 'ttlMs']

/** Checks the arguments before the block runs, because what the block does cannot be undone. */
function check(eventType: unknown, options: GivenOptions, block: unknown): void {
  if (!isEventType(eventType))
    throw invalid(`expected an event type first, but got ${inspect(eventType, { depth: 0 })}.`)
  if (!isPlainObject(options)) throw invalid('expected an object of options second; `{}` for none.')
  const stranger = Object.keys(options).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) throw invalid(`"${stranger}" is not an option. There are: ${FIELDS.join(', ')}.`)
  if (typeof block !== 'function') throw invalid('expected a function third: the block to run.')

  const { errorEvent, errorData, metadata } = options
  if (errorEvent !== undefined && !isEventType(errorEvent)) throw invalid('`errorEvent` is not an event type.')
  if (errorData !== undefined && typeof errorData !== 'function') throw invalid('`errorData` is not a function.')
  if (errorData && !errorEvent) throw invalid('`errorData` is given without an `errorEvent`.')
  checkOptions(eventType.type, options)
  if (metadata !== undefined) checkMetadata(eventType.type, metadata)
}

function invalid(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `publishResult(): ${problem}`)
}
