/**
 * `defineBatchHandler` declares a handler that takes many events at once, where that is cheaper than one after the other: rows of a
 * table, documents of an index, calls of a slow service. Each event still has a delivery of its own, with its attempts and errors.
 */
import { z } from 'zod'
import { callerOf } from '../events/defined-at.ts'
import { batchOptions, type BatchContext, type BatchContextFor, type Batching } from './batching.ts'
import { handlerFrom, invalid, type Handler, type HandlerDefinition } from './handler.ts'
import type { HandledEvent, ListensTo } from './listens-to.ts'

export interface BatchHandlerDefinition<
  Listens extends ListensTo,
  Result,
  Transactional extends boolean = false,
> extends Omit<HandlerDefinition<Listens, Result>, 'handle' | 'transactional'> {
  /**
   * `true`: each batch runs in a transaction of the application (`createBus({ transaction })`), `context.tx`. What the batch writes and
   * publishes, and the ends of its deliveries, are one commit. If some of its events fail, the transaction is rolled back, and the other events
   * run once more without them. Default: `false`.
   */
  readonly transactional?: Transactional | undefined
  /** A batch has at most this many events, 1 to 1,000. Default: 100. */
  readonly batchSize?: number | undefined
  /** A batch that is not full begins this many milliseconds after its first event has come to the worker, 0 to 60,000. Default: 100. */
  readonly maxWaitMs?: number | undefined
  /**
   * Does the work for all events, in a worker process. What it returns or throws is the outcome of every event, as for other
   * handlers; `context.outcomes.set(event, failed(…))` gives one event its own outcome. Events of one key are in order.
   */
  readonly handle: (
    events: readonly HandledEvent<NoInfer<Listens>>[],
    context: BatchContextFor<Transactional, HandledEvent<NoInfer<Listens>>>,
  ) => Result
}

/** A declared batch handler, with every option filled in. */
export interface BatchHandler<
  Name extends string = string,
  Listens extends ListensTo = ListensTo,
  Result = unknown,
> extends Omit<Handler<Name, Listens, Result>, 'handle' | 'batch'> {
  readonly handle: (events: readonly HandledEvent<Listens>[], context: BatchContext<HandledEvent<Listens>>) => Result
  readonly batch: Batching
}

/**
 * Declares a handler that takes events in batches: all that are ready, up to `batchSize`, after at most `maxWaitMs`.
 *
 * @example
 * const store = defineBatchHandler('audit.store', {
 *   on: 'orders.*',
 *   batchSize: 100,
 *   maxWaitMs: 200,
 *   async handle(events, context) {
 *     await audit.insertMany(events.map((event) => ({ id: context.deliveryOf(event).deliveryId, ...event }))) // throws? all are tried again
 *   },
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_HANDLER` when a name, an option or the subscription cannot be used.
 */
export function defineBatchHandler<
  const Name extends string,
  const Listens extends ListensTo,
  Result,
  const Transactional extends boolean = false,
>(name: Name, definition: BatchHandlerDefinition<Listens, Result, Transactional>): BatchHandler<Name, Listens, Result> {
  const { batchSize, maxWaitMs, ...rest } = definition
  const batch = parsed(name, { batchSize, maxWaitMs })
  const handler = handlerFrom(name, rest, { batch, definedAt: callerOf(defineBatchHandler) })
  const problem = batchProblem(handler.options)
  if (problem !== null) throw invalid(name, problem)
  return handler as unknown as BatchHandler<Name, Listens, Result> // only the types of `handle` were lost
}

function parsed(name: string, given: object): Batching {
  const options = batchOptions.safeParse(given)
  if (options.success) return Object.freeze(options.data)
  throw invalid(name, `its options are not acceptable.\n${z.prettifyError(options.error)}`)
}

const FOR_ONE_EVENT = ['rateLimit', 'circuitBreaker', 'coalesce'] as const

/** Returns the problem of an option that does not fit batches, or `null`. */
function batchProblem(options: Handler['options']): string | null {
  const { concurrency } = options
  const single = options.runs === 'in-transaction' ? 'runs' : FOR_ONE_EVENT.find((option) => options[option])
  if (single !== undefined)
    return `expected no \`${single}\`: it is for handlers that take one event at a time. Take it out, or use \`defineHandler\`.`
  if (concurrency && 'cluster' in concurrency && concurrency.cluster !== undefined)
    return 'expected no `concurrency.cluster`: what is counted across processes are deliveries, not batches. Use `perProcess`.'
  return null
}
