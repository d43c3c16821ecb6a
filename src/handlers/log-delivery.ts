/**
 * Handlers that read the log: `delivery: 'log'`. A publish writes nothing for them. Workers read the events in order, each worker for a
 * part of the keys, and only failed events become deliveries.
 */

/** How a handler gets an event: as a delivery, as a delivery that is held until the reader of the log has passed the event, or from the log. */
export type DeliveryMode = 'job' | 'held' | 'log'

/** The default number of parts into which the keys of a handler are divided. */
const SHARDS = 16

/** The part of a handler that this file uses. */
interface Delivered {
  readonly options: { readonly delivery: 'job' | 'log'; readonly shards?: number | undefined }
}

export function isLogHandler({ options }: Delivered): boolean {
  return options.delivery === 'log'
}

export function shardsOf({ options }: Delivered): number {
  return options.shards ?? SHARDS
}

interface Options {
  readonly delivery: 'job' | 'log'
  readonly shards?: number | undefined
  readonly concurrency?: object | undefined
}

/** Returns the problem of an option that does not fit the handler's `delivery`, or `null`. `given`: the options as they were written. */
export function deliveryProblem({ delivery, shards, concurrency }: Options, given: object): string | null {
  if (delivery === 'job')
    return shards === undefined
      ? null
      : "`shards` is for handlers with `delivery: 'log'`. Add that, or take `shards` out."
  if ('priority' in given && given.priority !== undefined)
    return "expected no `priority`: with `delivery: 'log'` events come in the order of the log. Take it out, or use `delivery: 'job'`."
  if (concurrency && 'cluster' in concurrency && concurrency.cluster !== undefined)
    return "expected no `concurrency.cluster`: with `delivery: 'log'` no one counts across processes. Use `perProcess`, or `delivery: 'job'`."
  return null
}
