/** The hash of a handler's stored name: the second half of the ids of its deliveries. */
import { createHash } from 'node:crypto'

/** A process has few handlers, but the filter of an operator may name any text. */
const MOST = 10_000

const hashes = new Map<string, string>()

/** The first half of an id is its event's seq, so ids sort in publish order. Hashes are remembered: to make them took an eighth of a publish. */
export function handlerHash(handler: string): string {
  const known = hashes.get(handler)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(handler).digest('hex').slice(0, 16)
  if (hashes.size < MOST) hashes.set(handler, hash)
  return hash
}
