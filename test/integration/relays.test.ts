/** Relays in real workers: visible retries, order, circuits, reading the log, and connections that end with their bus. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createBus, type Bus, type BusSignal } from '../../src/index.ts'
import { defineRelay, webhookTarget, type RelayDefinition } from '../../src/relay/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'
import { aWebhookServer, LOCAL, SECRET, type Responding, type WebhookServer } from '../support/webhook-server.ts'

let opened: TestBus
let relays = 0

beforeAll(async () => {
  opened = await openTestBus({}, { ownServer: true })
  return () => opened.close()
})

test('the status of the event lists each attempt, with the endpoint’s response', async () => {
  const statuses = [500, 429, 302, 204]
  const { bus, name, server } = await working((_, response) =>
    response.writeHead(statuses.shift() ?? 204).end('as it is'),
  )

  const { events } = await bus.publish(NoteTaken({ n: 1 }))
  const status = await bus.events.whenFinished(events[0]!.id, { timeoutMs: 30_000 })

  expect(status.deliveries).toMatchObject([{ handler: name, state: 'done', attempts: 4 }])
  expect(status.deliveries[0]!.errors.map(({ attempt, code, message }) => [attempt, code, message])).toEqual([
    [1, 'POSTBUS_WEBHOOK_FAILED', `WebhookError: ${new URL(server.url).origin} returned 500: as it is`],
    [2, 'POSTBUS_WEBHOOK_FAILED', `WebhookError: ${new URL(server.url).origin} returned 429: as it is`],
    [3, 'POSTBUS_WEBHOOK_FAILED', expect.stringContaining('returned 302, and redirects are not followed')],
  ])
  expect(new Set(server.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([events[0]!.id]))
})

test.each([['job'], ['log']] as const)(
  'a relay by %s keeps the order of each key while one of its events fails',
  async (delivery) => {
    const failing = new Map([
      ['a 3', 2],
      ['b 1', 3],
    ])
    const taken: string[] = []
    const { bus } = await working(
      ({ body }, response) => {
        const { data } = JSON.parse(body) as { data: { n: number; key: string } }
        const one = `${data.key} ${data.n}`
        const left = failing.get(one) ?? 0
        failing.set(one, left - 1)
        if (left <= 0) taken.push(one)
        response.writeHead(left > 0 ? 500 : 200).end()
      },
      delivery === 'log' ? { delivery, shards: 4 } : { delivery },
    )

    const keys = ['a', 'b', 'c']
    await bus.publish(Array.from({ length: 30 }, (_, n) => NoteTaken({ n: Math.floor(n / 3), key: keys[n % 3]! })))
    await until('all are taken', () => taken.length >= 30, 40_000)

    for (const key of keys)
      expect(taken.filter((one) => one.startsWith(key))).toEqual(Array.from({ length: 10 }, (_, n) => `${key} ${n}`))
  },
)

test('a relay’s circuit breaker stops calls to its endpoint: an outage uses up few attempts', async () => {
  let isDown = true
  let calls = 0
  const { bus, name, signals } = await working(
    (_, response) => {
      calls += 1
      response.writeHead(isDown ? 503 : 200).end()
    },
    { circuitBreaker: { failures: 3, perMs: 60_000, pauseMs: 1_000 }, maxAttempts: 4 },
  )

  const { events } = await bus.publish(Array.from({ length: 10 }, (_, n) => NoteTaken({ n })))
  await until('it has opened', () => signals.some(({ name: signal }) => signal === 'circuit.opened'))
  const atOpening = calls
  await until('it was probed', () => calls > atOpening)
  isDown = false
  await Promise.all(events.map(({ id }) => bus.events.whenFinished(id, { timeoutMs: 40_000 })))

  expect(await bus.deadLetters.count({ handler: name })).toBe(0)
})

test('by default no webhook goes to an address of this machine or of a private network, and the error says why', async () => {
  const server = await aWebhookServer()
  const urls = [
    server.url,
    server.url.replace('127.0.0.1', 'localhost'),
    server.url.replace('127.0.0.1', '[::ffff:127.0.0.1]'),
  ]
  const bus = aBus(
    urls.map((url, n) =>
      defineRelay(`notes.private-${n}`, {
        on: NoteTaken,
        to: webhookTarget({ endpoint: { url, secret: SECRET }, allowHttp: true }),
        maxAttempts: 1,
      }),
    ),
  )

  const { events } = await bus.publish(NoteTaken({ n: 1 }))
  await bus.worker().drain()

  const status = await bus.events.status(events[0]!.id)
  expect(status!.deliveries.map(({ state }) => state)).toEqual(['dead', 'dead', 'dead'])
  for (const { errors } of status!.deliveries)
    expect(errors[0]!.message).toMatch(/returned nothing ← .* has no public address, and webhooks go to no other/)
  expect(server.received).toEqual([])
})

test('a worker process with an open connection of a relay ends on SIGTERM', async () => {
  const server = await aWebhookServer()
  const name = `notes.relay-${(relays += 1)}`
  const bus = aBus([relayTo(server, name)])
  await bus.migrate()
  const { events } = await bus.publish(NoteTaken({ n: 1 }))

  const words = ['src/cli/main.ts', 'worker', '--config', await configFor(server, name)]
  const child = spawn(process.execPath, words, { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  await bus.events.whenFinished(events[0]!.id, { timeoutMs: 40_000 })
  child.kill('SIGTERM')

  expect(await exited).toEqual([0, null])
  expect(server.received).toHaveLength(1)
})

/** Writes a config file that exports a bus with a relay to the server. */
async function configFor(server: WebhookServer, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const source = (file: string) => JSON.stringify(pathToFileURL(resolve(file)).href)
  const file = join(folder, 'postbus.config.ts')
  await writeFile(
    file,
    `import { createBus } from ${source('src/index.ts')}
import { defineRelay, webhookTarget } from ${source('src/relay/index.ts')}
import { NoteTaken } from ${source('test/support/notes.ts')}
const endpoint = { url: ${JSON.stringify(server.url)}, secret: ${JSON.stringify(SECRET)} }
const to = webhookTarget({ endpoint, allowHttp: true, allowPrivateAddresses: true })
export const bus = createBus({
  connectionString: ${JSON.stringify(opened.connectionString)},
  handlers: [defineRelay(${JSON.stringify(name)}, { on: NoteTaken, to, queue: 'relay_${relays}' })],
})
`,
  )
  return file
}

/** Starts a server that responds like this, a relay to it, and a worker. */
async function working(respond: Responding, options: Partial<RelayDefinition<typeof NoteTaken>> = {}) {
  const server = await aWebhookServer(respond)
  const name = `notes.relay-${(relays += 1)}`
  const signals: BusSignal[] = []
  const bus = aBus([relayTo(server, name, options)], signals)
  await bus.migrate()
  const worker = bus.worker({ pollMs: 50 })
  await worker.start()
  onTestFinished(async () => void (await worker.stop()))
  return { bus, name, server, signals }
}

function relayTo(server: WebhookServer, name: string, options: Partial<RelayDefinition<typeof NoteTaken>> = {}) {
  return defineRelay(name, {
    on: NoteTaken,
    to: webhookTarget({ ...LOCAL, endpoint: { url: server.url, secret: SECRET } }),
    maxAttempts: 10,
    backoff: { initialMs: 20, factor: 1, jitter: 0 },
    queue: `relay_${relays}`,
    ...options,
  })
}

function aBus(handlers: readonly ReturnType<typeof defineRelay>[], signals: BusSignal[] = []): Bus {
  const { connectionString } = opened
  const bus = createBus({
    connectionString,
    handlers,
    onSignal: (signal) => void signals.push(signal),
  })
  onTestFinished(() => bus.close())
  return bus
}
