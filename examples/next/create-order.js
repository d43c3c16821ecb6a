/** Creates an order: its row and its event are one commit. */
import { OrderCreated, shop } from './bus.js'

/** Returns the id of the event, when both are committed. */
export async function createOrder(order, correlationId) {
  const { pool, bus } = shop()
  const tx = await pool.connect()
  try {
    await tx.query('begin')
    await tx.query('insert into orders values ($1, $2)', [order.orderId, order.sku])
    const { events } = await bus.withContext({ correlationId }, () => bus.publish(OrderCreated(order), { tx }))
    await tx.query('commit')
    return events[0]?.id
  } catch (error) {
    await tx.query('rollback')
    throw error
  } finally {
    tx.release()
  }
}
