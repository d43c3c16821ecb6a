/** A route handler: replies when the order and its event are committed. What may be lost comes after the reply, by `after`. */
import { after } from 'next/server'
import { createOrder } from '../../../create-order.js'

export async function POST(request) {
  const { orderId, sku } = await request.json()
  if (typeof orderId !== 'string' || typeof sku !== 'string')
    return Response.json({ error: 'expected { orderId, sku }' }, { status: 400 })

  const eventId = await createOrder({ orderId, sku }, request.headers.get('x-request-id') ?? crypto.randomUUID())
  // `after` runs when the reply is sent, and not at all if the process dies: never publish there what must not be lost.
  after(() => console.log(`replied: ${orderId}`))
  return Response.json({ eventId }, { status: 201 })
}
