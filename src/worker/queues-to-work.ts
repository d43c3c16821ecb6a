/** Which queues a worker works on, and how many handlers may run at once in each. */
import { PostbusError } from '../errors.ts'

/** Handlers that may run at once per queue, unless said otherwise. */
const DEFAULT_CONCURRENCY = 20

/** Each queue to work on, with how many handlers may run at once. */
export function queuesToWork(known: readonly string[], chosen: Readonly<Record<string, number>> | undefined) {
  if (!chosen) return new Map(known.map((queue) => [queue, DEFAULT_CONCURRENCY] as const))
  const unknown = Object.keys(chosen).find((queue) => !known.includes(queue))
  if (unknown === undefined) return new Map(Object.entries(chosen))
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `No handler uses queue "${unknown}". Queues of the handlers: ${known.join(', ')}.`,
  )
}
