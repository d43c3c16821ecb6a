/** Relays to a real rabbitmq-server: messages are confirmed, persistent and in order, and a message that reaches no queue is a failure. */
import type { Channel, ChannelModel, GetMessage } from 'amqplib'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Bus } from '../../src/index.ts'
import { consumeRabbit, rabbitTarget, readCloudEvent, type RabbitTargetOptions } from '../../src/rabbitmq/index.ts'
import { defineRelay, type MessageOptions } from '../../src/relay/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { openRabbitServer, type RabbitServer } from '../support/rabbitmq-server.ts'
import { until } from '../support/until.ts'
import { eventsHeard, heard, note, notes, prepareSecond, secondBus } from './brokers/second-bus.ts'

let server: RabbitServer
let connection: ChannelModel
let channel: Channel
let exchange = ''
let exchanges = 0

beforeAll(async () => {
  server = await openRabbitServer()
  await connect()
}, 180_000)

afterAll(async () => {
  await connection?.close().catch(() => undefined)
  await server?.remove()
})

beforeEach(async () => {
  exchanges += 1
  exchange = `relayed${exchanges}`
  await channel.assertExchange(exchange, 'topic', { durable: true })
  await channel.assertQueue(exchange, { durable: true })
  await channel.bindQueue(exchange, exchange, 'notes.#')
})

test.each(['cloudevents', 'cloudevents-binary'] as const)(
  'an event is one persistent message with its id: %s',
  async (format) => {
    const { bus } = await aBus({}, { format })
    const { events } = await bus.publish(NoteTaken({ n: 1, key: 'köln' }, { correlationId: 'the order' }))
    await finished(bus, events[0]!.id)

    const [message, ...others] = await takeAll()
    expect(others).toEqual([])
    expect(message).toMatchObject({
      fields: { routingKey: 'notes.note-taken' },
      properties: { messageId: events[0]!.id, deliveryMode: 2, type: 'notes.note-taken' },
    })
    const { headers = {}, contentType } = message!.properties
    const event = readCloudEvent({ headers, contentType: String(contentType), text: () => message!.content.toString() })
    expect(event).toMatchObject({
      id: events[0]!.id,
      type: 'notes.note-taken',
      data: { n: 1, key: 'köln' },
      options: { correlationId: 'the order', causationId: events[0]!.id },
    })
    expect(headers['cloudEvents_partitionkey']).toBe(format === 'cloudevents-binary' ? 'köln' : undefined)
  },
)

test('the relay retries while the broker is away, and then events arrive in the order of each key', async () => {
  const { bus } = await aBus()
  await bus.publish(NoteTaken({ n: 0, key: 'red' }))
  await until('the first one is there', async () => (await waiting()) === 1)
  await server.stop('SIGKILL')
  for (let n = 1; n <= 20; n += 1) await bus.publish(NoteTaken({ n, key: n % 2 ? 'red' : 'blue' }))
  await server.start()
  await connect()
  await until('all are there', async () => (await waiting()) >= 21, 60_000)

  const data = (await takeAll()).map(({ content }) => (JSON.parse(content.toString()) as { data: { n: number; key: string } }).data) // prettier-ignore
  const ofKey = (key: string) => [...new Set(data.filter((one) => one.key === key).map(({ n }) => n))]
  expect(ofKey('red')).toEqual([0, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
  expect(ofKey('blue')).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
}, 120_000)

describe('a message that reaches no queue', () => {
  test('is a failed attempt with the reason', async () => {
    const { bus } = await aBus({ routingKey: 'elsewhere' }, { maxAttempts: 1 })
    await bus.publish(NoteTaken({ n: 1 }))

    expect(await deathOf(bus)).toContain(`exchange "${exchange}" with the routing key "elsewhere": RabbitMQ returned it (NO_ROUTE)`) // prettier-ignore
  })

  test('is done if it is not mandatory', async () => {
    const { bus } = await aBus({ routingKey: 'elsewhere', isMandatory: false }, { maxAttempts: 1 })
    const { events } = await bus.publish(NoteTaken({ n: 1 }))
    await finished(bus, events[0]!.id)

    expect(await bus.deadLetters.count()).toBe(0)
  })

  test('fails alone: the messages beside it arrive', async () => {
    const routingKey = (event: { data: unknown }) => ((event.data as { n: number }).n === 5 ? 'elsewhere' : 'notes.x')
    const { bus } = await aBus({ routingKey }, { maxAttempts: 1 })
    await bus.publish(Array.from({ length: 10 }, (_, n) => NoteTaken({ n })))

    expect(await deathOf(bus)).toContain('NO_ROUTE')
    await until('the others are there', async () => (await waiting()) === 9)
    expect(await bus.deadLetters.count()).toBe(1)
  })
})

test('a missing exchange is a failed attempt that names it, and the relay then connects again', async () => {
  const { bus } = await aBus({ exchange: 'not.there' })
  await bus.publish(NoteTaken({ n: 1 }))
  await until('it was tried in vain', async () => (await failures(bus)).length > 1)
  expect(JSON.stringify(await failures(bus))).toMatch(/not\.there.*NOT_FOUND/)

  await channel.assertExchange('not.there', 'fanout')
  await channel.bindQueue(exchange, 'not.there', '')
  await until('it is there', async () => (await waiting()) === 1)
})

test('an event goes through the exchange and its queue to a second bus, and keeps its correlation id there', async () => {
  const opened = await aBus()
  await prepareSecond(opened.connectionString)
  const second = secondBus(opened.connectionString)
  const consumer = await consumeRabbit({
    bus: second.bus,
    url: server.url,
    queue: exchange,
    source: notes,
    effects: (message, _, { tx }) => note(message, tx),
  })
  onTestFinished(async () => {
    await consumer.stop()
    await second.close()
  })

  const { events } = await opened.bus.publish([
    NoteTaken({ n: 1 }, { correlationId: 'the order' }),
    NoteTaken({ n: 2, key: 'red' }),
  ])
  await until('both are heard', async () => (await heard(second.pool)).length === 2)

  const came = await eventsHeard(second.pool)
  expect(came.toSorted((one, other) => one.n - other.n)).toEqual([
    { n: 1, correlationId: 'the order' },
    { n: 2, correlationId: events[1]!.id },
  ])
})

test.each([
  [{ exchange: 'x' }, 'expected one of `url`'],
  [{ url: 'amqp://127.0.0.1' }, 'exchange'],
  [{ url: 'amqp://127.0.0.1', exchange: 'x', subject: 'y' }, 'subject'],
])('refuses %j', (options, message) => {
  expect(() => rabbitTarget(options as RabbitTargetOptions)).toThrow(
    expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS', message: expect.stringContaining(message) }),
  )
})

async function connect() {
  connection = await server.connect()
  channel = await connection.createChannel()
  channel.on('error', () => undefined)
}

async function aBus(
  target: Partial<RabbitTargetOptions> = {},
  relay: Pick<MessageOptions, 'format'> & { readonly maxAttempts?: number } = {},
): Promise<TestBus> {
  const to = rabbitTarget({ url: server.url, exchange, ...target })
  const handler = defineRelay('notes.relay', { on: NoteTaken, to, backoff: { initialMs: 200, factor: 1 }, maxAttempts: 200, ...relay }) // prettier-ignore
  const opened = await openTestBus({ handlers: [handler] })
  const worker = opened.bus.worker({ pollMs: 100 })
  await worker.start()
  onTestFinished(async () => {
    await worker.stop()
    await opened.close()
  })
  return opened
}

async function waiting(): Promise<number> {
  return (await channel.checkQueue(exchange)).messageCount
}

async function takeAll(): Promise<readonly GetMessage[]> {
  const all = []
  for (;;) {
    const message = await channel.get(exchange, { noAck: true })
    if (message === false) return all
    all.push(message)
  }
}

async function finished(bus: Bus, id: string) {
  await bus.events.whenFinished(id, { timeoutMs: 30_000 })
}

async function failures(bus: Bus) {
  const { events } = await bus.events.list({ limit: 100 })
  const statuses = await Promise.all(events.map(({ id }) => bus.events.status(id)))
  return statuses.flatMap((status) => status?.deliveries.flatMap(({ errors }) => errors) ?? [])
}

async function deathOf(bus: Bus): Promise<string> {
  await until('a delivery is dead', async () => (await bus.deadLetters.count()) > 0, 30_000)
  return (await bus.deadLetters.list()).deadLetters[0]?.reason ?? ''
}
