/** A server action: the form of `page.tsx` calls it. */
'use server'
import { createOrder } from '../../create-order.js'

export async function order(form) {
  await createOrder({ orderId: String(form.get('orderId')), sku: String(form.get('sku')) }, crypto.randomUUID())
}
