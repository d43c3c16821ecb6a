/** The shop's side: an event, the endpoints of its customers, and the webhooks to them. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { defineEvent } from '../../src/index.ts'
import { defineWebhooks } from '../../src/relay/index.ts'

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({ orderId: z.string() }),
  partitionKey: ({ orderId }) => orderId,
})

export interface Endpoint {
  readonly url: string
  readonly secret: string
  isEnabled: boolean
}

export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

/** `endpoints` stands for a table in which customers change their URLs. */
export function customerWebhooks(endpoints: ReadonlyMap<string, Endpoint>) {
  return defineWebhooks('customers.webhooks', {
    on: OrderPlaced,
    endpoints: () => [...endpoints.keys()],
    endpoint(id) {
      const endpoint = endpoints.get(id)
      return endpoint?.isEnabled ? { url: endpoint.url, secret: endpoint.secret } : null
    },
    onGone(id) {
      const endpoint = endpoints.get(id)
      if (endpoint) endpoint.isEnabled = false
    },
    backoff: { initialMs: 200 }, // default: ten attempts in three days
    allowHttp: true, // only for this example, whose customers are on this machine: leave out these two lines in production
    allowPrivateAddresses: true,
  })
}
