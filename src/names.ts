/** The rules for names. Names end up in SQL, in queue names and in file names of reports, so the rules are strict. */
import { PostbusError, type PostbusErrorCode } from './errors.ts'

/** Event types and handlers: dotted, lower case, at most 128 characters. */
export const NAME = /^[a-z][a-z0-9_.-]{0,127}$/
/** A handler's `queue`: like other names, but short enough to append `_partitioned` for deliveries with a key. */
const HANDLER_QUEUE = /^[a-z][a-z0-9_.-]{0,51}$/
/** Any queue, also a queue for deliveries with a key. */
export const QUEUE_NAME = /^[a-z][a-z0-9_.-]{0,63}$/
/** Database schemas. */
export const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,47}$/

const PARTITIONED = '_partitioned'

export function checkName(name: unknown, what: string, code: PostbusErrorCode): void {
  if (typeof name === 'string' && NAME.test(name)) return
  throw new PostbusError(
    code,
    `${what} name ${JSON.stringify(name)} is not allowed: expected ${NAME.source}, for example "orders.order-created".`,
  )
}

/**
 * Checks the previous names of a handler or event type, oldest first. The database knows it by the oldest one.
 *
 * @throws {PostbusError} with `code` when this is not a list of names, or when a name is in it twice or is the present one.
 */
export function checkPreviousNames(
  name: string,
  given: unknown,
  { what, code }: { readonly what: string; readonly code: PostbusErrorCode },
): readonly string[] {
  if (given === undefined) return Object.freeze([])
  const refuse = (problem: string) => new PostbusError(code, `${what} "${name}": ${problem}`)
  if (!Array.isArray(given)) throw refuse('expected `previousNames` to be a list of names, oldest first.')
  for (const [place, previous] of given.entries()) {
    checkName(previous, `${what} "${name}": its previous`, code)
    if (given.indexOf(previous) !== place) throw refuse(`"${previous}" stands in \`previousNames\` twice.`)
    if (previous !== name) continue
    const mend = 'To give back the first name, leave `previousNames` out: nothing is stored under the later ones'
    throw refuse(`its own name stands in \`previousNames\`. ${mend}.`)
  }
  return Object.freeze([...(given as readonly string[])])
}

/** The name that is stored in the database: the oldest one. */
export function storedName(name: string, previousNames: readonly string[]): string {
  return previousNames[0] ?? name
}

export function checkQueueName(name: unknown, owner: string, code: PostbusErrorCode): void {
  if (typeof name === 'string' && HANDLER_QUEUE.test(name) && !name.endsWith(PARTITIONED)) return
  throw new PostbusError(
    code,
    `${owner}: queue ${JSON.stringify(name)} is not allowed: expected ${HANDLER_QUEUE.source}, not ending in "${PARTITIONED}".`,
  )
}

/** The queue that holds the deliveries with a partition key, beside `queue`, which holds those without. */
export function partitionedQueue(queue: string): string {
  return queue + PARTITIONED
}

/** The queue of a delivery. It depends on the handler, and on whether the event has a key. */
export function queueOfEvent(
  { options }: { readonly options: { readonly queue: string; readonly ordered: boolean } },
  partitionKey: string | null,
): string {
  return partitionKey === null || !options.ordered ? options.queue : partitionedQueue(options.queue)
}

/** The `queue` option of the handlers whose deliveries wait in this queue. */
export function baseQueue(queue: string): string {
  return isPartitionedQueue(queue) ? queue.slice(0, -PARTITIONED.length) : queue
}

export function isPartitionedQueue(queue: string): boolean {
  return queue.endsWith(PARTITIONED)
}

/** The same check in SQL. */
export function isPartitionedInSql(queue: string): string {
  return `right(${queue}, ${PARTITIONED.length}) = '${PARTITIONED}'`
}
