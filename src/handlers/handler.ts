/**
 * `defineHandler` declares who reacts to an event, and how: which events, under what conditions, how often to try.
 *
 * `interested` runs inside `publish`, in the publisher's transaction; `handle` runs later, in a worker process. A
 * handler may run more than once for one event (at least once), so its effects must tolerate repetition.
 */
import { z } from 'zod'
import type { Batching } from './batching.ts'
import { callerOf } from '../events/defined-at.ts'
import { PostbusError } from '../errors.ts'
import type { HandlerContext } from './handler-context.ts'
import type { EventFor, HandledEvent, ListensTo } from './listens-to.ts'
import { deliveryProblem } from './log-delivery.ts'
import { handlerOptions, type HandlerOptions } from './handler-options.ts'
import { paceProblem } from './pace.ts'
import { checkName, checkPreviousNames, checkQueueName } from '../names.ts'
import { isShadow } from './shadow.ts'
import { subscriptionsOf, type Subscription } from './subscription.ts'
import { transactionProblem, type ContextFor, type Runs } from './transactional.ts'

export interface HandlerDefinition<
  Listens extends ListensTo,
  Result,
  Transactional extends boolean = false,
  Where extends Runs = 'in-worker',
> extends Omit<HandlerOptions, 'onDead' | 'transactional' | 'runs'> {
  /**
   * An event type, a pattern over event type names (`'orders.*'`, `/^orders\./`), or a list that mixes them: see
   * {@link EventFor}. `shadow(…)` around it: `handle` fetches the data itself.
   */
  readonly on: Listens
  /**
   * The names that this handler had before, oldest first. Its deliveries are still stored under the oldest name, so a rename
   * changes only what is shown. When you rename the handler, append the former name here, and never remove one.
   */
  readonly previousNames?: readonly string[]
  /**
   * Whether this handler has anything to do for an event. If `false`, no delivery is written. Runs synchronously inside
   * `publish`, so it must be pure: no queries, no calls, no side effects. Default: always interested.
   */
  readonly interested?: (event: EventFor<NoInfer<Listens>>) => boolean
  /**
   * When a delivery with a key dies: `'continue'` (the default) goes on with the next of its key, `'block'` holds the key until an
   * operator acts. A function decides for each delivery: it gets the last attempt's error, and the event. If it throws, or the
   * event cannot be read, the key is held.
   */
  readonly onDead?:
    'continue' | 'block' | ((error: unknown, event: HandledEvent<NoInfer<Listens>>) => 'continue' | 'block') | undefined
  /**
   * Does the work, in a worker process. Return nothing or any value: done. Return `failed(…)` or throw: tried again.
   * Return `discard(…)`: never again. Return `snooze(…)`: later. Only `runEvent` in tests sees the value.
   */
  readonly handle: (event: HandledEvent<NoInfer<Listens>>, context: ContextFor<Transactional, Where>) => Result
  /**
   * `true`: each attempt runs in a transaction of the application (`createBus({ transaction })`), and `context.tx` is there. What the handler
   * writes and publishes, and the end of its delivery, are one commit. If it throws, the transaction is rolled back. Default: `false`.
   */
  readonly transactional?: Transactional | undefined
  /**
   * `'in-transaction'`: the handler runs inside `publish`, in the publisher's transaction (`context.tx`), for work that must not lag behind. If it
   * throws, or returns `failed(…)`, the publish is rejected. It is never retried, and never runs in a worker. Default: `'in-worker'`.
   */
  readonly runs?: Where | undefined
}

/** A declared handler, with every option filled in. */
export interface Handler<Name extends string = string, Listens extends ListensTo = ListensTo, Result = unknown> {
  readonly name: Name
  /** Its previous names, oldest first. The oldest one is the name that is stored. */
  readonly previousNames: readonly string[]
  readonly on: Listens
  readonly interested: ((event: EventFor<Listens>) => boolean) | null
  readonly handle: (event: HandledEvent<Listens>, context: HandlerContext) => Result
  readonly options: Readonly<z.output<typeof handlerOptions>>
  /** The event types and patterns of `on`, as one list. */
  readonly subscriptions: readonly Subscription[]
  /** `true`: its `on` is `shadow(…)`, so `handle` gets events without their data. */
  readonly isShadow: boolean
  /** Where the handler was defined, for the error about two handlers with the same name. */
  readonly definedAt: string
  /** `null`: it takes one event at a time. */
  readonly batch: null
  /** Closes what the handler itself holds open, such as a relay's connection. `bus.close()` calls it. */
  readonly close?: (() => Promise<void>) | undefined
}

/** Any handler, for any events. */
// The parameters of `interested` and `handle` are never written through this type, so `never` makes it the common supertype.
export interface AnyHandler extends Omit<Handler, 'interested' | 'handle' | 'on' | 'batch'> {
  readonly on: ListensTo
  readonly interested: ((event: never) => boolean) | null
  readonly handle: (event: never, context: never) => unknown
  /** How its events are gathered into batches; `null`: it takes one event at a time. */
  readonly batch: Batching | null
}

const HANDLER = Symbol.for('postbus.handler')

/**
 * Declares a handler. Its name is stored with every delivery: a renamed handler lists its `previousNames`, or its waiting deliveries have no handler.
 *
 * @example
 * const createInvoice = defineHandler('finances.create-invoice', {
 *   on: OrderCreated,
 *   interested: (event) => event.data.total > 0,
 *   handle: (event, context) => invoices.create(context.deliveryId, event.data), // throws? it is tried again
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_HANDLER` when a name, an option or the subscription cannot be used.
 */
export function defineHandler<
  const Name extends string,
  const Listens extends ListensTo,
  Result,
  const Transactional extends boolean = false,
  const Where extends Runs = 'in-worker',
>(name: Name, definition: HandlerDefinition<Listens, Result, Transactional, Where>): Handler<Name, Listens, Result> {
  const made = { batch: null, definedAt: callerOf(defineHandler) }
  return handlerFrom(name, definition, made) as Handler<Name, Listens, Result>
}

/** The fields that the definitions of all handlers have. */
type AnyDefinition = Omit<HandlerDefinition<ListensTo, unknown, boolean, Runs>, 'interested' | 'onDead' | 'handle'> &
  Pick<Partial<AnyHandler>, 'interested' | 'handle'>

/** Checks a definition, and makes a handler of either kind. */
export function handlerFrom(
  name: string,
  definition: AnyDefinition,
  made: Pick<AnyHandler, 'batch' | 'definedAt' | 'close'>,
): AnyHandler {
  checkName(name, 'Handler', 'POSTBUS_INVALID_HANDLER')
  const { on, interested, handle, previousNames, ...options } = definition
  if (typeof handle !== 'function') throw invalid(name, 'expected `handle` to be a function.')
  if (interested !== undefined && typeof interested !== 'function')
    throw invalid(name, 'expected `interested` to be a function.')

  // Not frozen: tests spy on `handle`.
  return {
    [HANDLER]: true,
    name,
    previousNames: checkPreviousNames(name, previousNames, { what: 'Handler', code: 'POSTBUS_INVALID_HANDLER' }),
    on,
    interested: interested ?? null,
    handle,
    options: parseOptions(name, options),
    subscriptions: subscriptionsOf(name, on),
    isShadow: isShadow(on),
    ...made,
  } as AnyHandler
}

/** Whether a value was made by `defineHandler`, by this or another copy of the package. */
export function isHandler(value: unknown): value is AnyHandler {
  return typeof value === 'object' && value !== null && HANDLER in value
}

/** The handlers whose backfill gives them deliveries. A handler that reads the log has none: it begins further back in the log. */
export function withBackfill(handlers: readonly AnyHandler[]): readonly AnyHandler[] {
  return handlers.filter(({ options }) => options.backfill !== undefined && options.delivery === 'job')
}

function parseOptions(name: string, options: object): z.output<typeof handlerOptions> {
  const parsed = handlerOptions.safeParse(options)
  if (!parsed.success) throw invalid(name, `its options are not acceptable.\n${z.prettifyError(parsed.error)}`)
  const problem =
    transactionProblem(parsed.data, options) ?? deliveryProblem(parsed.data, options) ?? paceProblem(parsed.data)
  if (problem !== null) throw invalid(name, problem)
  checkQueueName(parsed.data.queue, name, 'POSTBUS_INVALID_HANDLER')
  return Object.freeze(parsed.data)
}

export function invalid(name: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_HANDLER', `Handler "${name}": ${problem}`)
}
