/** Decorators that turn methods, and classes with a method `handle`, into handlers. */
import { PostbusError } from '../errors.ts'
import { callerOf } from '../events/defined-at.ts'
import { defineBatchHandler, type BatchHandlerDefinition } from '../handlers/batch-handler.ts'
import type { BatchContext } from '../handlers/batching.ts'
import { defineHandler, type AnyHandler, type HandlerDefinition } from '../handlers/handler.ts'
import type { HandledEvent, ListensTo } from '../handlers/listens-to.ts'
import type { ContextFor, Runs } from '../handlers/transactional.ts'
import { declare, type Method } from './declared-handlers.ts'

/** The options of `defineHandler`, and the name that is stored with every delivery. */
export interface EventHandlerOptions<
  Listens extends ListensTo,
  Transactional extends boolean = false,
  Where extends Runs = 'in-worker',
> extends Omit<HandlerDefinition<Listens, unknown, Transactional, Where>, 'on' | 'handle'> {
  /** This name is not made from the names of the class and the method: those may be renamed at any time, and this name may not. */
  readonly name: string
}

/** The options of `defineBatchHandler`, and the name that is stored with every delivery. */
export interface EventBatchHandlerOptions<Listens extends ListensTo> extends Omit<
  BatchHandlerDefinition<Listens, unknown>,
  'on' | 'handle'
> {
  readonly name: string
}

type Class<Instance> = abstract new (...given: never[]) => Instance

/** Decorates a method, or a class that has such a method under the name `handle`. */
export interface HandlerDecorator<Handle extends (...given: never[]) => unknown> {
  // These signatures accept methods with fewer parameters, and refuse methods for another event.
  <Instance extends { handle: Handle }>(target: Class<Instance>): void
  <Called extends Handle>(target: object, property: string | symbol, descriptor: TypedPropertyDescriptor<Called>): void
}

/**
 * Turns a method into a handler. The method is called on the provider that Nest has made, with everything injected. All options of
 * `defineHandler` can be given. Guards, interceptors, pipes and filters are for requests: for handlers, use `createBus({ middleware })`.
 *
 * @example
 * @Injectable()
 * class Stock {
 *   constructor(private readonly shelves: Shelves) {}
 *
 *   @EventHandler(OrderCreated, { name: 'stock.reserve' })
 *   async reserve(event: EventOf<typeof OrderCreated>) {
 *     await this.shelves.reserve(event.data.orderId) // throws? it is tried again
 *   }
 * }
 *
 * @throws {PostbusError} `POSTBUS_INVALID_HANDLER` when the application starts: a name or an option that cannot be used, two handlers of
 * one name, or a provider that Nest makes for each request.
 */
export function EventHandler<
  const Listens extends ListensTo,
  const Transactional extends boolean = false,
  const Where extends Runs = 'in-worker',
>(
  on: Listens,
  options: EventHandlerOptions<Listens, Transactional, Where>,
): HandlerDecorator<(event: HandledEvent<Listens>, context: ContextFor<Transactional, Where>) => unknown> {
  const { name, ...rest } = named('EventHandler', options)
  const definedAt = callerOf(EventHandler)
  return decorator('EventHandler', (method) => {
    const handler = defineHandler(name, { ...rest, on, handle: method as never } as HandlerDefinition<
      ListensTo,
      unknown
    >)
    return Object.assign(handler, { definedAt })
  })
}

/**
 * Turns a method into a batch handler: the method is called with as many events as are there, up to `batchSize`. See `defineBatchHandler`.
 *
 * @example
 * @EventBatchHandler('orders.*', { name: 'search.index', batchSize: 500 })
 * index(events: readonly Envelope[]) {
 *   return this.search.bulk(events)
 * }
 */
export function EventBatchHandler<const Listens extends ListensTo>(
  on: Listens,
  options: EventBatchHandlerOptions<Listens>,
): HandlerDecorator<
  (events: readonly HandledEvent<Listens>[], context: BatchContext<HandledEvent<Listens>>) => unknown
> {
  const { name, ...rest } = named('EventBatchHandler', options)
  const definedAt = callerOf(EventBatchHandler)
  return decorator('EventBatchHandler', (method) => {
    const handler = defineBatchHandler(name, { ...rest, on, handle: method as never })
    return Object.assign(handler, { definedAt })
  })
}

function decorator<Handle extends (...given: never[]) => unknown>(
  what: string,
  define: (method: Method) => AnyHandler,
): HandlerDecorator<Handle> {
  return (target: object, property: string | symbol = 'handle') => {
    const prototype = typeof target === 'function' ? (target.prototype as object) : target
    if (typeof Reflect.get(prototype, property) === 'function') return declare(prototype, { property, define })
    throw invalid(what, `expected a method, or a class with a method \`handle\`, but found none: ${String(property)}.`)
  }
}

function named<Options extends { readonly name: string }>(what: string, options: Options): Options {
  if (typeof (options as Partial<Options> | undefined)?.name === 'string') return options
  throw invalid(what, "expected a `name`, as in { name: 'stock.reserve' }: it is stored with every delivery.")
}

function invalid(what: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_HANDLER', `@${what}(): ${problem}`)
}
