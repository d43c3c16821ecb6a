/** The event that all contestants publish and handle: an order of about 150 bytes, or as large as a question needs it. */

export interface Order {
  readonly orderId: string
  readonly customerId: string
  /** The event's position in the order of publishing. It matches the handling of an event with its publishing. */
  readonly total: number
  readonly placedAt: string
  readonly note?: string | undefined
}

export function orderOf(key: string, place: number, note?: string): Order {
  const placedAt = '2026-01-01T12:00:00.000Z'
  const order = { orderId: key, customerId: `customer-${place % 1_000}-of-the-bench`, total: place, placedAt }
  return note === undefined ? order : { ...order, note }
}

/** The names of `count` receivers of one event: queues, tasks or handlers, as each contestant calls them. */
export function receivers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, place) => (place === 0 ? RECEIVER : `${RECEIVER}-${place + 1}`))
}

export const RECEIVER = 'bench'
