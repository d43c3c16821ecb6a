/** The application that the recipes of docs/testing.md test. They find it beside them as `./app.ts`. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, discard, failed } from '../../src/index.ts'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.number(), placedAt: z.date() }),
  partitionKey: (data) => data.orderId,
})
export const OrderShipped = defineEvent('orders.order-shipped', { schema: z.object({ orderId: z.string() }) })
export const CartCleared = defineEvent('carts.cart-cleared', { schema: z.object({ orderId: z.string() }) })
export const InvoiceSent = defineEvent('finances.invoice-sent', { schema: z.object({ invoiceId: z.string() }) })

export const invoices: string[] = []
let declines = 0
export const cards = { declineNext: () => void (declines = 1) }

export const createInvoice = defineHandler('finances.create-invoice', {
  on: OrderCreated,
  interested: (event) => event.data.total > 0,
  async handle(event, context) {
    declines -= 1
    if (declines >= 0)
      return context.attempt < context.maxAttempts ? failed('card declined') : discard('declined five times')
    const invoiceId = `i-${event.data.orderId}`
    invoices.push(invoiceId)
    await context.publish(InvoiceSent({ invoiceId }))
    return { invoiceId }
  },
})

export const bus = createBus({ handlers: [createInvoice], onSignal: () => undefined })

export interface Order {
  readonly orderId: string
  readonly total: number
}

export async function checkout({ orderId, total }: Order): Promise<void> {
  if (total > 0) await bus.publish(OrderCreated({ orderId, total, placedAt: new Date() }))
  await bus.publish(CartCleared({ orderId }))
}

export function checkoutLater(order: Order): void {
  setTimeout(() => void checkout(order), 2)
}

export async function anOrder(): Promise<Order> {
  const order = { orderId: 'o-fixture', total: 1 }
  await checkout(order)
  return order
}

export async function ship({ orderId }: { orderId: string }): Promise<void> {
  await bus.publish(OrderShipped({ orderId }))
}

export interface RunningServer {
  readonly server: Server
  readonly url: string
  close(): void
}

export async function startServer(): Promise<RunningServer> {
  const server = createServer((request, response) => {
    void bodyOf(request)
      .then((body) => checkout(JSON.parse(body) as Order))
      .then(
        () => response.end('ok'),
        (error: Error) => response.writeHead(500).end(error.message),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}`, close: () => void server.close() }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

/** Started before any test. */
const pool = await Promise.all([startServer(), startServer()])
for (const { server } of pool) server.unref()
export const pooledServers = {
  take(): RunningServer {
    const server = pool.pop()
    if (!server) throw new Error('The pool is empty.')
    return server
  },
}

/** A queue whose worker began before any test. */
const jobs: (() => Promise<void>)[] = []
let wake = () => {}
void work()

async function work(): Promise<void> {
  for (;;) {
    const job = jobs.shift()
    await (job ? job() : new Promise<void>((resolve) => (wake = resolve)))
  }
}

export const sharedQueue = {
  run: (job: () => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      jobs.push(() => job().then(resolve, reject))
      wake()
    }),
}
