/** The rules for names. They end up in SQL, in queue names and in file names of reports, so they are narrow. */
import { PostbusError, type PostbusErrorCode } from './errors.ts'

/** Event types and handlers: dotted, lower case, at most 128 characters. */
export const NAME = /^[a-z][a-z0-9_.-]{0,127}$/
/** A handler's `queue`: like names, but short enough for `_partitioned` to be appended for deliveries with a key. */
const HANDLER_QUEUE = /^[a-z][a-z0-9_.-]{0,51}$/
/** Every queue, those for deliveries with a key too. */
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

/** The `queue` of the handlers whose deliveries wait in this one. */
export function baseQueue(queue: string): string {
  return isPartitionedQueue(queue) ? queue.slice(0, -PARTITIONED.length) : queue
}

export function isPartitionedQueue(queue: string): boolean {
  return queue.endsWith(PARTITIONED)
}
