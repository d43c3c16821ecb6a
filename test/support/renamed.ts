/** An event type and a handler, as the previous release names them, and as this release names them after two renames. */
import { z } from 'zod'
import { defineEvent, defineHandler, type AnyHandler } from '../../src/index.ts'

export const schema = z.object({ orderId: z.string(), turn: z.int() })
export const partitionKey = ({ orderId }: { orderId: string }) => orderId

/** The event type of the previous release. */
export const OldEvent = defineEvent('orders.created', { schema, partitionKey })
/** The event type of this release, after two renames. */
export const NewEvent = defineEvent('sales.order-placed', {
  schema,
  partitionKey,
  previousNames: ['orders.created', 'orders.made'],
})

export interface Ran {
  readonly by: 'old' | 'new'
  readonly orderId: string
  readonly turn: number
  readonly deliveryId: string
}

/** A handler that adds its runs to `ran`. */
export function handlerOf(by: Ran['by'], ran: Ran[]): AnyHandler {
  const note = ({ data }: { readonly data: { orderId: string; turn: number } }, deliveryId: string) =>
    void ran.push({ by, ...data, deliveryId })
  return by === 'old'
    ? defineHandler('mail.receipt', { on: OldEvent, handle: (event, { deliveryId }) => note(event, deliveryId) })
    : defineHandler('post.deliver-receipt', {
        on: NewEvent,
        previousNames: ['mail.receipt', 'mail.receipts'],
        handle: (event, { deliveryId }) => note(event, deliveryId),
      })
}
