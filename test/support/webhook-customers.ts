/** Customers with webhooks: endpoints by their ids at one server, which returns what the test says, and a worker that sends to them. */
import { onTestFinished } from 'vitest'
import { createBus, type Bus, type BusOptions, type EventStatus } from '../../src/index.ts'
import { defineWebhooks, type WebhooksDefinition } from '../../src/relay/index.ts'
import type { TestBus } from './bus.ts'
import { NoteTaken } from './notes.ts'
import { until } from './until.ts'
import { aWebhookServer, LOCAL, SECRET, type ReceivedWebhook, type WebhookServer } from './webhook-server.ts'

const QUICK = { backoff: { initialMs: 20, factor: 1, jitter: 0 } } as const

let buses = 0

/** Endpoints by their ids, at one server, which returns what the test says; and a worker. */
export async function customers(
  { connectionString }: TestBus,
  ids: readonly string[],
  statusFor: (received: ReceivedWebhook) => number,
  options: Partial<WebhooksDefinition<typeof NoteTaken | string>> = {},
  busOptions: BusOptions = {},
): Promise<{ bus: Bus; server: WebhookServer; name: string; taken: readonly ReceivedWebhook[] }> {
  const name = `customers.webhooks-${(buses += 1)}`
  const taken: ReceivedWebhook[] = []
  const server = await aWebhookServer((received, response) => {
    const status = statusFor(received)
    if (status < 300) taken.push(received)
    response.writeHead(status).end()
  })
  const webhooks = defineWebhooks(name, {
    on: NoteTaken,
    endpoints: () => ids,
    endpoint: (id) => ({ url: server.url.replace('/hook', `/${id}`), secret: SECRET }),
    maxAttempts: 500,
    ...QUICK,
    ...LOCAL,
    queue: `webhooks_${buses}`,
    ...options,
  })
  const bus = createBus({
    connectionString,
    handlers: [...webhooks],
    onSignal: () => undefined,
    ...busOptions,
  })
  await bus.migrate()
  const worker = bus.worker({ pollMs: 50 })
  await worker.start()
  onTestFinished(async () => {
    await worker.stop()
    await bus.close()
  })
  return { bus, server, name, taken }
}

/** The id of the request for an endpoint that was made from an event. */
export async function requestFor(bus: Bus, eventId: string, endpoint: string): Promise<string> {
  let found: string | undefined
  await until(`there is a request for ${endpoint}`, async () => {
    const { events } = await bus.events.list({ causationId: eventId })
    found = events.find(({ data }) => (data as { endpoint: string }).endpoint === endpoint)?.id
    return found !== undefined
  })
  return found!
}

export function errorsOf(status: EventStatus | null) {
  return status?.deliveries.flatMap(({ errors }) => errors) ?? []
}

export function of({ received }: WebhookServer, path: string): readonly ReceivedWebhook[] {
  return received.filter((one) => one.path === path)
}

export function keyIn(body: string): string {
  return (JSON.parse(body) as { subject: string }).subject
}

export function numberIn(body: string): number {
  return (JSON.parse(body) as { data: { n: number } }).data.n
}
