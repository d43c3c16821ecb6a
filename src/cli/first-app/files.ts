/** The four files of a first application: its events, its handlers, the bus, and a script that publishes. */
import { DEV_PORT } from '../dev-port.ts'
import { developmentUrl } from '../../embedded-postgres/development-database.ts'
import type { FirstClient } from './clients.ts'

/** The text of each file, by the file's name without its ending. */
export function firstFiles(client: FirstClient, ending: string): Readonly<Record<string, string>> {
  return {
    'postbus.config': `/** The bus of this application. \`npx postbus\` finds it here, and so do your modules. */
import { createBus } from 'postbus'

export const connectionString = process.env['DATABASE_URL'] ?? '${developmentUrl(DEV_PORT)}'

export const bus = createBus({
  connectionString,
  handlers: () => import('./handlers.${ending}'),
})
`,
    events: `/** What happens in this application. */
import { defineEvent } from 'postbus'
import { z } from 'zod'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.number() }),
  partitionKey: (data) => data.orderId, // events of one order are handled in order
})
`,
    handlers: `/** Who reacts. Each handler has its own deliveries, retries and dead letters. */
import { defineHandler } from 'postbus'
import { OrderCreated } from './events.${ending}'

export const createInvoice = defineHandler('finances.create-invoice', {
  on: OrderCreated,
  handle: (event) => console.log(\`finances: an invoice over \${event.data.total} for order \${event.data.orderId}\`),
})

export const sendReceipt = defineHandler('mail.send-receipt', {
  on: OrderCreated,
  handle(event, context) {
    if (context.attempt === 1) throw new Error('the mail server is busy') // it is tried again, two seconds later
    console.log(\`mail: a receipt for order \${event.data.orderId}\`)
  },
})
`,
    publish: `/** Creates an order. Its row and its event are one transaction: node publish.${ending} */
${client.imports}
import { OrderCreated } from './events.${ending}'
import { bus, connectionString } from './postbus.config.${ending}'

${client.opening}

const order = { id: \`order-\${Date.now()}\`, total: 42 }
const event = OrderCreated({ orderId: order.id, total: order.total })

${client.inTransaction}

console.log(\`orders: \${order.id} is created\`)
${client.end}
await bus.close()
`,
  }
}
