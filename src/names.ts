/** The rules for names. They end up in SQL, in queue names and in file names of reports, so they are narrow. */
import { PostbusError, type PostbusErrorCode } from './errors.ts'

/** Event types and handlers: dotted, lower case, at most 128 characters. */
export const NAME = /^[a-z][a-z0-9_.-]{0,127}$/
/** Queues: like names, shorter. `_partitioned` is appended for deliveries with a key, and counts. */
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
  if (typeof name === 'string' && fits(name) && !name.endsWith(PARTITIONED)) return
  throw new PostbusError(
    code,
    `${owner}: queue ${JSON.stringify(name)} is not allowed: expected ${QUEUE_NAME.source}, not ending in "${PARTITIONED}".`,
  )
}

/** A worker can be told to work on the queue with the longer name, so that must be a queue's name too. */
function fits(queue: string): boolean {
  return QUEUE_NAME.test(queue) && QUEUE_NAME.test(partitionedQueue(queue))
}

/** The queue that holds the deliveries with a partition key, beside `queue`, which holds those without. */
export function partitionedQueue(queue: string): string {
  return queue + PARTITIONED
}

export function isPartitionedQueue(queue: string): boolean {
  return queue.endsWith(PARTITIONED)
}
