/** A mail server that is busy now and then: always for the same orders, so that every run of the demo can be checked. */
import { createHash } from 'node:crypto'

/** Whether the server turns the first message about this order away: true for one order in forty. */
export function isBusyAtFirst(orderId: string): boolean {
  return createHash('sha256').update(orderId).digest().readUInt32BE() % 40 === 0
}
