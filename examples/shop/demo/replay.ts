/**
 * Replays the orders by date, as fast as they can be stored: each is placed on its order date, and shipped on its ship date if it was not
 * declined. Several orders are in progress at once, but an order is never shipped before it is placed.
 */
import type { Bus } from '../../../src/index.ts'
import { placeOrder, type Checkout } from '../orders/place-order.ts'
import { shipOrder } from '../orders/ship-order.ts'
import type { Progress } from './progress.ts'
import { paymentProvider } from './payment.ts'
import type { SuperstoreOrder } from './superstore.ts'

/** The number of transactions that are open at a time, each on its own connection. */
const CONCURRENCY = 8

export interface Replay {
  readonly bus: Bus
  readonly progress: Progress
  /** Ends the replay between two transactions. */
  readonly signal: AbortSignal
}

interface Step {
  readonly is: 'place' | 'ship'
  readonly at: Date
  readonly order: SuperstoreOrder
}

export async function replay(orders: readonly SuperstoreOrder[], { bus, progress, signal }: Replay): Promise<void> {
  const checkout: Checkout = { bus, authorisePayment: paymentProvider(orders) }
  const placed = new Map<string, Promise<boolean>>()
  const upcoming = stepsByDate(orders).values()

  async function takeSteps(): Promise<void> {
    for (const { is, order } of upcoming) {
      signal.throwIfAborted()
      await (is === 'place' ? place(order) : ship(order))
    }
  }
  async function place(order: SuperstoreOrder): Promise<void> {
    const placing = placeOrder(order, checkout).then((answer) => answer === 'placed')
    placed.set(order.orderId, placing)
    progress.count((await placing) ? 'placed' : 'declined')
  }
  async function ship(order: SuperstoreOrder): Promise<void> {
    if (!(await placed.get(order.orderId))) return
    await shipOrder(order, bus)
    progress.count('shipped')
  }

  await Promise.all(Array.from({ length: CONCURRENCY }, takeSteps))
}

/** Within one day, all orders are placed before any order is shipped. */
function stepsByDate(orders: readonly SuperstoreOrder[]): readonly Step[] {
  const places = orders.map((order): Step => ({ is: 'place', at: order.placedAt, order }))
  const ships = orders.map((order): Step => ({ is: 'ship', at: order.shippedAt, order }))
  return [...places, ...ships].toSorted((one, other) => one.at.getTime() - other.at.getTime())
}
