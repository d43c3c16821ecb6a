/** A mail server that is sometimes busy: always for the same orders, so that every run of the demo can be checked. */
import { createHash } from 'node:crypto'

/** Whether the server refuses the first message about this order: true for one order in forty. */
export function isBusyAtFirst(orderId: string): boolean {
  return createHash('sha256').update(orderId).digest().readUInt32BE() % 40 === 0
}
