/** `npm run example:webhooks`: three customers have endpoints: one works, one fails at first, and one is gone. */
import { createBus, printSignals, type Bus } from '../../src/index.ts'
import { runExample, type ExamplePlace } from '../run-example.ts'
import { openReceiver } from './receiver.ts'
import { customerWebhooks, newSecret, OrderPlaced, type Endpoint } from './webhooks.ts'

await runExample({ schema: 'webhooks_shop', tables: '', story })

async function story({ connectionString, schemas, tell }: ExamplePlace): Promise<void> {
  const endpoints = new Map<string, Endpoint>()
  const taken = new Set<string>()
  let isBobUp = false
  const receiver = await openReceiver(
    (path) => endpoints.get(path.slice(1))?.secret,
    (path, { id }) => {
      const customer = path.slice(1)
      if (customer === 'eve') return 410
      if (customer === 'bob' && !isBobUp) {
        isBobUp = true
        return 503
      }
      const isNew = !taken.has(`${customer} ${id}`) // a webhook may arrive twice
      taken.add(`${customer} ${id}`)
      if (isNew) tell(`${customer} has a webhook with a good signature`)
      return 204
    },
  )
  for (const customer of ['ada', 'bob', 'eve'])
    endpoints.set(customer, { url: `${receiver.url}/${customer}`, secret: newSecret(), isEnabled: true })
  const handlers = customerWebhooks(endpoints)
  const bus = createBus({ connectionString, ...schemas, handlers: [...handlers], onSignal: printSignals('error') })
  try {
    await bus.migrate()
    const worker = bus.worker()
    await worker.start()
    for (const orderId of ['o-1', 'o-2']) {
      const event = OrderPlaced({ orderId })
      await bus.publish(event)
      await bus.events.whenFinished(event.id, { includeCaused: true })
      for (const line of await becameOf(bus, event.id)) tell(`${orderId} → ${line}`)
    }
    await worker.stop()

    const headers = { 'webhook-id': 'x', 'webhook-timestamp': `${Math.floor(Date.now() / 1_000)}` }
    const forged = { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` }
    const { status } = await fetch(`${receiver.url}/ada`, { method: 'POST', headers: forged, body: '{}' })
    tell(`ada returns ${status} to a forged webhook`)
  } finally {
    await bus.close()
    await receiver.close()
  }
}

/** Each event has one request per endpoint. The record shows how each request ended. */
async function becameOf(bus: Bus, eventId: string): Promise<readonly string[]> {
  const { events } = await bus.events.list({ causationId: eventId })
  const lines = events.map(async ({ id, data }) => {
    const status = await bus.events.status(id)
    const { endpoint } = data as { endpoint: string }
    return (status?.deliveries ?? []).map(({ state, attempts, reason, errors }) => {
      const why = reason ?? errors.at(-1)?.message ?? null
      return `${endpoint}: ${state} in attempt ${attempts}${why === null ? '' : ` (${why})`}`
    })
  })
  return (await Promise.all(lines)).flat().toSorted()
}
