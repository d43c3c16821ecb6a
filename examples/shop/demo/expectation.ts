/**
 * The contents that the database must have after the demo, computed from the orders alone. It repeats the filters of the handlers on
 * purpose: it must not use the code that it checks.
 */
import { isBusyAtFirst } from '../email/mail-server.ts'
import { UNBILLABLE_ORDER } from '../finances/create-invoice.ts'
import { isDeclined } from './payment.ts'
import type { SuperstoreOrder } from './superstore.ts'

export interface ExpectedDelivery {
  readonly handler: string
  readonly eventType: string
  readonly orderId: string
  readonly failedAttempts: number
  readonly ends: 'done' | 'dead'
}

export interface Expectation {
  /** The orders that were placed. */
  readonly orders: readonly SuperstoreOrder[]
  /** The orders that were rolled back. */
  readonly declined: readonly SuperstoreOrder[]
  /** The number of events of each type. */
  readonly events: ReadonlyMap<string, number>
  readonly deliveries: readonly ExpectedDelivery[]
}

const CREATED = 'orders.order-created'
const SHIPPED = 'orders.order-shipped'

export function expectationOf(all: readonly SuperstoreOrder[]): Expectation {
  const orders = all.filter((order) => !isDeclined(order))
  return {
    orders,
    declined: all.filter(isDeclined),
    events: new Map([
      [CREATED, orders.length],
      [SHIPPED, orders.length],
    ]),
    deliveries: orders.flatMap(deliveriesOf),
  }
}

function deliveriesOf(order: SuperstoreOrder): readonly ExpectedDelivery[] {
  const { orderId, shipMode } = order
  const succeeds = { orderId, failedAttempts: 0, ends: 'done' } as const
  return [
    ...(isInvoiced(order) ? [invoiceOf(orderId)] : []),
    { ...succeeds, handler: 'stock.keep-stock', eventType: CREATED },
    { ...succeeds, handler: 'stock.keep-stock', eventType: SHIPPED },
    ...(shipMode === 'Same Day' ? [{ ...succeeds, handler: 'cargo.book-courier', eventType: CREATED }] : []),
    { ...succeeds, handler: 'cargo.send-parcel', eventType: SHIPPED },
    {
      ...succeeds,
      handler: 'email.send-receipt',
      eventType: CREATED,
      failedAttempts: isBusyAtFirst(orderId) ? 1 : 0,
    },
  ]
}

/** Orders below one dollar are not invoiced. */
export function isInvoiced(order: SuperstoreOrder): boolean {
  return order.totalCents >= 100
}

/** The order that cannot be invoiced fails four times, and is then dead. */
function invoiceOf(orderId: string): ExpectedDelivery {
  const delivery = { handler: 'finances.create-invoice', eventType: CREATED, orderId }
  return orderId === UNBILLABLE_ORDER
    ? { ...delivery, failedAttempts: 4, ends: 'dead' }
    : { ...delivery, failedAttempts: 0, ends: 'done' }
}
