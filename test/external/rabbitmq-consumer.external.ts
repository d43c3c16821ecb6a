/** Messages of a real rabbitmq-server become events: once, in order, acknowledged after the commit. */
import type { Channel, ChannelModel, Options } from 'amqplib'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { consumeRabbit, type RabbitConsumerOptions } from '../../src/rabbitmq/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { openRabbitServer, type RabbitServer } from '../support/rabbitmq-server.ts'
import { until } from '../support/until.ts'
import { startScript } from './brokers/process-of.ts'
import { eventsHeard, heard, note, notes, prepareSecond, secondBus, type SecondBus } from './brokers/second-bus.ts'

let server: RabbitServer
let connection: ChannelModel
let channel: Channel
let database: TestDatabase
let second: SecondBus
let queue = ''
let queues = 0

beforeAll(async () => {
  server = await openRabbitServer()
  await connect()
  database = await createDatabase()
  await prepareSecond(database.connectionString)
}, 180_000)

afterAll(async () => {
  await connection?.close().catch(() => undefined)
  await server?.remove()
  await database?.drop()
})

beforeEach(async () => {
  second = secondBus(database.connectionString)
  await second.pool.query('truncate heard')
  await second.pool.query('truncate second.event cascade')
  queues += 1
  queue = `notes${queues}`
  await channel.assertExchange('dead', 'fanout')
  await channel.assertQueue(`${queue}.dead`)
  await channel.bindQueue(`${queue}.dead`, 'dead', '')
  await channel.assertQueue(queue, { arguments: { 'x-dead-letter-exchange': 'dead' } })
  return () => second.close()
})

test('a message becomes an event with its effects, and is acknowledged when both are committed', async () => {
  const unacknowledged: number[] = []
  const consumer = await consume({
    effects: async (message, received, { tx }) => {
      expect(received).toMatchObject({ is: 'new', events: [{ duplicate: false }] })
      await note(message, tx)
      unacknowledged.push(numbers(await heard(second.pool)).length)
    },
  })

  await send({ n: 1 })
  await send({ n: 2 })
  await heardBy(2)
  await consumer.stop()

  expect(numbers(await heard(second.pool))).toEqual([1, 2])
  expect((await eventsHeard(second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(unacknowledged).toEqual([0, 1])
  expect(await waiting()).toBe(0) // nothing came back when its connection was closed
})

test('a message that its publisher sends twice is one event', async () => {
  const consumer = await consume()

  await send({ n: 1 }, { messageId: 'twice' })
  await send({ n: 2 }, { messageId: 'other' })
  await send({ n: 1 }, { messageId: 'twice' })
  await send({ n: 3 }, { messageId: 'last' })
  await heardBy(3)
  await consumer.stop()

  expect(await heard(second.pool)).toMatchObject([{ message: 'twice' }, { message: 'other' }, { message: 'last' }])
  expect((await eventsHeard(second.pool)).length).toBe(3)
})

test('a message whose process died between the commit and the acknowledgement comes again, and is a duplicate', async () => {
  await send({ n: 1 })
  await send({ n: 2 })
  const settings = { connectionString: database.connectionString, rabbit: { url: server.url, queue } }
  const first = await startScript('consuming.ts', { ...settings, diesAfter: 1 }, 'consuming').catch(() => null)
  await first?.exited

  expect(numbers(await heard(second.pool))).toEqual([1])
  const redelivered: boolean[] = []
  const consumer = await consume({
    source: { ...notes, event: (message) => { redelivered.push((message as unknown as { isRedelivered: boolean }).isRedelivered); return notes.event(message) } }, // prettier-ignore
  })
  await heardBy(2)
  await consumer.stop()

  expect(redelivered[0]).toBe(true)
  expect(numbers(await heard(second.pool))).toEqual([1, 2])
  expect((await eventsHeard(second.pool)).length).toBe(2)
  expect(await waiting()).toBe(0)
})

test('what the effects throw takes the event back, and the message is tried again in its place', async () => {
  let tries = 0
  await consume({
    effects: async (message, _, { tx }) => {
      await note(message, tx)
      if (message.id === 'first' && (tries += 1) < 3) throw new Error('not yet')
    },
  })

  await send({ n: 1 }, { messageId: 'first' })
  await send({ n: 2 })
  await heardBy(2)

  expect(tries).toBe(3)
  expect(numbers(await heard(second.pool))).toEqual([1, 2])
  expect((await eventsHeard(second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(named('message.failed')).toMatchObject([{ fields: { queue, messageId: 'first', failures: 1 } }, {}])
})

describe('what can never be received goes to the dead letter exchange', () => {
  test('a message that cannot be read, at once; one without an id too; and the next one is received', async () => {
    await consume()

    await sendText('{ no json', { messageId: 'bad' })
    await sendText('{ "n": 1 }', {})
    await send({ n: 3 })
    await heardBy(1)
    await until('both are there', async () => (await waiting(`${queue}.dead`)) === 2)

    expect(numbers(await heard(second.pool))).toEqual([3])
    expect(named('message.rejected')).toMatchObject([
      { level: 'error', fields: { queue, messageId: 'bad', error: expect.stringContaining('JSON') } },
      { level: 'error', fields: { messageId: '', error: expect.stringContaining('`id` returned an empty text') } },
    ])
  })

  test('a message that has failed `maxAttempts` times, and its effects are not there', async () => {
    await consume({
      maxAttempts: 2,
      effects: async (message, _, { tx }) => {
        await note(message, tx)
        if (message.id === 'poison') throw new Error('never')
      },
    })

    await send({ n: 1 }, { messageId: 'poison' })
    await send({ n: 2 })
    await heardBy(1)

    expect(numbers(await heard(second.pool))).toEqual([2])
    expect(await waiting(`${queue}.dead`)).toBe(1)
    expect(named('message.rejected')).toMatchObject([{ fields: { messageId: 'poison', error: 'never' } }])
  })
})

test('no more messages are in hand than `inFlight` says, and so many at once as `concurrency` says', async () => {
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  let most = 0
  let now = 0
  await consume({
    inFlight: 8,
    concurrency: 3,
    effects: async (message, _, { tx }) => {
      now += 1
      most = Math.max(most, now)
      await enough
      await note(message, tx)
      now -= 1
    },
  })
  for (let n = 0; n < 30; n += 1) await send({ n })
  await until('three run', () => now === 3)
  await until('the others wait at the broker', async () => (await waiting()) === 22)
  finish()
  await heardBy(30)

  expect(most).toBe(3)
})

test('stop waits for what has begun, and gives the rest back in its order', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  const consumer = await consume({
    effects: async (message, _, { tx }) => {
      begin()
      await enough
      await note(message, tx)
    },
  })
  for (let n = 1; n <= 5; n += 1) await send({ n })
  await begun
  await until('all are in hand', async () => (await waiting()) === 0)
  const stopping = consumer.stop()
  finish()
  await stopping

  expect(numbers(await heard(second.pool))).toEqual([1])
  expect(await waiting()).toBe(4)
  await consume()
  await heardBy(5)
  expect(numbers(await heard(second.pool))).toEqual([1, 2, 3, 4, 5])
})

test('it goes on when the broker was killed and is back, and what was in hand comes once more', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  const consumer = await consume({
    effects: async (message, _, { tx }) => {
      begin()
      await enough
      await note(message, tx)
    },
  })
  for (let n = 1; n <= 5; n += 1) await send({ n })
  await begun
  await server.stop('SIGKILL')
  await until('the consumer has noticed', () => named('consumer.lost').length === 1)
  finish()
  await server.start()
  await connect()
  await heardBy(5)
  await until('it says so', () => named('consumer.restored').length === 1)
  await consumer.stop()

  expect(numbers(await heard(second.pool))).toEqual([1, 2, 3, 4, 5])
  expect((await eventsHeard(second.pool)).length).toBe(5)
  expect(await waiting()).toBe(0)
}, 120_000)

test('it goes on when its queue was deleted and is there again', async () => {
  await consume()
  await channel.deleteQueue(queue)
  await until('the consumer has noticed', () => named('consumer.lost').length === 1)
  await channel.assertQueue(queue)
  await send({ n: 1 })
  await heardBy(1)
})

test('a failing message of a broker that went away is given up, because it comes again', async () => {
  let tries = 0
  const consumer = await consume({
    maxAttempts: null,
    effects: async (message, _, { tx }) => {
      tries += 1
      if (named('consumer.restored').length === 0) throw new Error('not yet')
      await note(message, tx)
    },
  })
  await send({ n: 1 })
  await until('it was tried', () => tries > 0)
  await server.stop('SIGKILL')
  await server.start()
  await connect()
  await heardBy(1)
  await consumer.stop()

  expect(numbers(await heard(second.pool))).toEqual([1])
  expect(await waiting()).toBe(0)
}, 120_000)

describe('refused at the door', () => {
  test.each([
    ['no such queue', { queue: 'nowhere' }, 'POSTBUS_BROKER_SETUP', 'Queue "nowhere" cannot be consumed'],
    ['no broker', { url: 'amqp://127.0.0.1:1' }, 'POSTBUS_BROKER_UNREACHABLE', 'RabbitMQ cannot be reached'],
    ['no place', { url: undefined }, 'POSTBUS_INVALID_OPTIONS', 'expected one of `url`'],
    ['an option that there is not', { prefetch: 3 }, 'POSTBUS_INVALID_OPTIONS', 'prefetch'],
  ])('%s', async (_, options, code, message) => {
    const given = { bus: second.bus, url: server.url, queue, source: notes, ...options } as RabbitConsumerOptions
    await expect(consumeRabbit(given)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as unknown,
    })
  })
})

async function connect() {
  connection = await server.connect()
  channel = await connection.createChannel()
  channel.on('error', () => undefined)
}

async function consume(options: Partial<RabbitConsumerOptions> = {}) {
  const consumer = await consumeRabbit({
    bus: second.bus,
    url: server.url,
    queue,
    source: notes,
    effects: (message, _, { tx }) => note(message, tx),
    ...options,
  })
  onTestFinished(() => consumer.stop())
  return consumer
}

async function send(data: { n: number }, options: Options.Publish = {}) {
  await sendText(JSON.stringify(data), { messageId: `message ${data.n}`, ...options })
}

async function sendText(text: string, options: Options.Publish) {
  const confirming = await connection.createConfirmChannel()
  confirming.sendToQueue(queue, Buffer.from(text), { persistent: true, ...options })
  await confirming.waitForConfirms()
  await confirming.close()
}

async function waiting(name = queue): Promise<number> {
  return (await channel.checkQueue(name)).messageCount
}

async function heardBy(count: number) {
  await until(`${count} are heard`, async () => (await heard(second.pool)).length >= count, 60_000)
}

function numbers(all: readonly { n: number }[]): number[] {
  return all.map(({ n }) => n)
}

function named(name: string) {
  return second.signals.filter((signal) => signal.name === name)
}
