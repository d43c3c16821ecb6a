/** Messages of a real nats-server become events: once, in order, acknowledged after the commit. */
import { AckPolicy, type ConsumerConfig } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { consumeJetStream, type JetStreamConsumerOptions } from '../../src/nats/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { openNatsServer, type NatsClient, type NatsServer } from '../support/nats-server.ts'
import { until } from '../support/until.ts'
import { startScript } from './brokers/process-of.ts'
import { eventsHeard, heard, note, notes, prepareSecond, secondBus, type SecondBus } from './brokers/second-bus.ts'

let server: NatsServer
let nats: NatsClient
let database: TestDatabase
let second: SecondBus
let stream = 'NOTES'
let streams = 0

beforeAll(async () => {
  server = await openNatsServer()
  nats = await server.connect()
  database = await createDatabase()
  await prepareSecond(database.connectionString)
})

afterAll(async () => {
  await nats.connection.close()
  await server.remove()
  await database.drop()
})

beforeEach(async () => {
  second = secondBus(database.connectionString)
  await second.pool.query('truncate heard')
  await second.pool.query('truncate second.event cascade')
  streams += 1
  stream = `NOTES${streams}`
  await nats.manager.streams.add({ name: stream, subjects: [`notes${streams}.>`] })
  await makeConsumer()
  return async () => {
    await second.close()
    await nats.manager.streams.delete(stream)
  }
})

test('a message becomes an event with its effects, and is acknowledged when both are committed', async () => {
  const acked: number[] = []
  const consumer = await consume({
    effects: async (message, received, { tx }) => {
      expect(received).toMatchObject({ is: 'new', events: [{ duplicate: false }] })
      acked.push((await standing()).ack_floor.stream_seq)
      await note(message, tx)
    },
  })

  await send({ n: 1 })
  await send({ n: 2 })
  await acknowledged(2)
  await consumer.stop()

  expect(numbers(await heard(second.pool))).toEqual([1, 2])
  expect((await eventsHeard(second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(acked).toEqual([0, 1]) // in the transaction of each, it was not acknowledged yet
})

test('a message that its publisher sends twice is one event', async () => {
  await consume()

  await sendCloudEvent('twice', 1)
  await sendCloudEvent('other', 2)
  await sendCloudEvent('twice', 1)
  await acknowledged(3)

  expect(await heard(second.pool)).toMatchObject([{ message: 'twice' }, { message: 'other' }])
  expect((await eventsHeard(second.pool)).length).toBe(2)
})

test('a message whose process died between the commit and the acknowledgement comes again, and is a duplicate', async () => {
  await makeConsumer({ ack_wait: 1e9 })
  await send({ n: 1 })
  await send({ n: 2 })
  const settings = { connectionString: database.connectionString, nats: { servers: server.servers, stream, consumer: 'second' } } // prettier-ignore
  const first = await startScript('consuming.ts', { ...settings, diesAfter: 1 }, 'consuming').catch(() => null)
  await first?.exited

  expect(numbers(await heard(second.pool))).toEqual([1])
  await consume()
  await acknowledged(2)

  expect(numbers(await heard(second.pool))).toEqual([1, 2])
  expect((await eventsHeard(second.pool)).length).toBe(2)
})

test('what the effects throw takes the event back, and the message is tried again in its place', async () => {
  let tries = 0
  await consume({
    effects: async (message, _, { tx }) => {
      await note(message, tx)
      if (message.sequence === 1 && (tries += 1) < 3) throw new Error('not yet')
    },
  })

  await send({ n: 1 })
  await send({ n: 2 })
  await acknowledged(2)

  expect(tries).toBe(3)
  expect(numbers(await heard(second.pool))).toEqual([1, 2])
  expect((await eventsHeard(second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(named('message.failed')).toMatchObject([{ fields: { stream, sequence: 1, failures: 1 } }, { fields: { failures: 2 } }]) // prettier-ignore
})

describe('what can never be received', () => {
  test('a message that cannot be read is terminated at once, and the next one is received', async () => {
    const rejected: [string, unknown][] = []
    await consume({ onRejected: (message, error) => void rejected.push([message.text(), error]) })

    await nats.client.publish(`notes${streams}.a`, '{ no json')
    await nats.client.publish(`notes${streams}.a`, JSON.stringify({ n: 'no number' }))
    await send({ n: 3 })
    await acknowledged(3)

    expect(numbers(await heard(second.pool))).toEqual([3])
    expect(rejected.map(([text]) => text)).toEqual(['{ no json', '{"n":"no number"}'])
    expect(named('message.rejected')).toMatchObject([
      { level: 'error', fields: { source: 'first-bus', stream, sequence: 1, error: expect.stringContaining('JSON') } },
      { level: 'error', fields: { sequence: 2 } },
    ])
    expect((await standing()).num_redelivered).toBe(0)
  })

  test('a message that has failed `maxAttempts` times is terminated, and its effects are not there', async () => {
    await consume({
      maxAttempts: 2,
      effects: async (message, _, { tx }) => {
        await note(message, tx)
        if (message.sequence === 1) throw new Error('never')
      },
    })

    await send({ n: 1 })
    await send({ n: 2 })
    await acknowledged(2)

    expect(numbers(await heard(second.pool))).toEqual([2])
    expect(named('message.rejected')).toMatchObject([{ fields: { sequence: 1, error: 'never' } }])
  })

  test('it is not rejected while `onRejected` fails', async () => {
    let calls = 0
    await consume({
      onRejected: () => {
        calls += 1
        if (calls < 3) throw new Error('the table of rejected messages is locked')
      },
    })

    await nats.client.publish(`notes${streams}.a`, 'what is this')
    await acknowledged(1)

    expect(calls).toBe(3)
    expect(named('message.rejected')).toHaveLength(1)
  })
})

test('failures while the database is away do not count', async () => {
  await consume({ maxAttempts: 1 })
  await second.pool.query('alter schema second rename to away')
  await send({ n: 1 })
  await until('it has failed twice', () => named('message.failed').length >= 2)
  await second.pool.query('alter schema away rename to second')
  await acknowledged(1)

  expect(numbers(await heard(second.pool))).toEqual([1])
  expect(named('message.failed')[0]).toMatchObject({ fields: { failures: 0 } })
})

test('the server is told that there is still work on what takes long and on what waits, and hands each out once', async () => {
  await makeConsumer({ ack_wait: 300e6 })
  await consume({
    effects: async (message, _, { tx }) => {
      await note(message, tx)
      if (message.sequence === 1) await second.pool.query('select pg_sleep(1.5)')
    },
  })
  await send({ n: 1 })
  await send({ n: 2 })
  await acknowledged(2)

  expect(await standing()).toMatchObject({ num_redelivered: 0, delivered: { consumer_seq: 2 } })
  expect(numbers(await heard(second.pool))).toEqual([1, 2])
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
  await until('eight are in hand', async () => (await standing()).num_ack_pending === 8)
  finish()
  await acknowledged(30)

  expect(most).toBe(3)
  expect((await heard(second.pool)).length).toBe(30)
})

test('with a key, the messages of one key keep their order, and keys run beside each other', async () => {
  const running = new Set<string>()
  let beside = 0
  await consume({
    concurrency: 4,
    key: ({ subject }) => subject,
    effects: async (message, _, { tx }) => {
      expect(running.has(message.subject)).toBe(false)
      running.add(message.subject)
      beside = Math.max(beside, running.size)
      await second.pool.query('select pg_sleep($1)', [Math.random() / 50])
      await note(message, tx)
      running.delete(message.subject)
    },
  })
  for (let n = 0; n < 40; n += 1) await send({ n, key: `key${n % 3}` })
  await acknowledged(40)

  const came = await heard(second.pool)
  for (const key of ['key0', 'key1', 'key2']) {
    const ofKey = came.filter((one) => one.key === key).map(({ n }) => n)
    expect(ofKey).toEqual(ofKey.toSorted((one, two) => one - two))
  }
  expect(beside).toBe(3)
})

test('stop waits for what has begun, gives the rest back at once, and leaves a connection of the application open', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  const theirs = await server.connect()
  const consumer = await consume({
    connection: theirs.connection,
    effects: async (message, _, { tx }) => {
      begin()
      await enough
      await note(message, tx)
    },
  })
  for (let n = 1; n <= 5; n += 1) await send({ n })
  await begun
  await until('all are in hand', async () => (await standing()).num_ack_pending === 5)
  const stopping = consumer.stop()
  finish()
  await stopping

  expect(numbers(await heard(second.pool))).toEqual([1])
  expect(theirs.connection.isClosed()).toBe(false)
  await theirs.connection.close()
  await consume() // ack_wait is 30 s: they come now because they were given back
  await acknowledged(5)
  expect(numbers(await heard(second.pool))).toEqual([1, 2, 3, 4, 5])
})

test('it goes on when the server was killed and is back', async () => {
  const consumer = await consume()
  await send({ n: 1 })
  await acknowledged(1)
  await server.stop('SIGKILL')
  await server.start()
  await until('the test is connected again', () => send({ n: 2 }).then(() => true, () => false), 30_000) // prettier-ignore
  await acknowledged(2)
  await consumer.stop()

  expect(numbers(await heard(second.pool))).toEqual([1, 2])
})

describe('refused at the door', () => {
  test.each([
    ['no such stream', { stream: 'NOWHERE' }, 'POSTBUS_BROKER_SETUP', 'There is no pull consumer "second"'],
    ['no such consumer', { consumer: 'nobody' }, 'POSTBUS_BROKER_SETUP', 'There is no pull consumer "nobody"'],
    ['no server', { servers: 'nats://127.0.0.1:1' }, 'POSTBUS_BROKER_UNREACHABLE', 'NATS cannot be reached'],
    ['no place', { servers: undefined }, 'POSTBUS_INVALID_OPTIONS', 'expected one of `servers`'],
    ['odd concurrency', { concurrency: 0 }, 'POSTBUS_INVALID_OPTIONS', 'concurrency'],
    ['an option that there is not', { prefetch: 3 }, 'POSTBUS_INVALID_OPTIONS', 'prefetch'],
  ])('%s', async (_, options, code, message) => {
    const given = { ...required(), ...options } as JetStreamConsumerOptions
    await expect(consumeJetStream(given)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('a consumer that acknowledges all at once', async () => {
    await nats.manager.consumers.add(stream, { durable_name: 'all', ack_policy: AckPolicy.All })
    await expect(consumeJetStream({ ...required(), consumer: 'all' })).rejects.toMatchObject({
      code: 'POSTBUS_BROKER_SETUP',
      message: expect.stringContaining('acknowledges by the policy "all"') as unknown,
    })
  })
})

function required() {
  return { bus: second.bus, servers: server.servers, stream, consumer: 'second', source: notes }
}

async function consume(options: Partial<JetStreamConsumerOptions> = {}) {
  const consumer = await consumeJetStream({
    ...required(),
    effects: (message, _, { tx }) => note(message, tx),
    ...options,
    ...(options.connection && { servers: undefined }),
  } as JetStreamConsumerOptions)
  onTestFinished(() => consumer.stop())
  return consumer
}

async function makeConsumer(options: Partial<ConsumerConfig> = {}) {
  await nats.manager.consumers.delete(stream, 'second').catch(() => undefined)
  await nats.manager.consumers.add(stream, { durable_name: 'second', ack_policy: AckPolicy.Explicit, ...options })
}

async function send(data: { n: number; key?: string }) {
  await nats.client.publish(`notes${streams}.${data.key ?? 'none'}`, JSON.stringify(data))
}

/** Without an id that the server would know duplicates by. */
async function sendCloudEvent(id: string, n: number) {
  const event = { specversion: '1.0', id, source: '/test', type: 'note', data: { n } }
  const sent = headers()
  sent.set('content-type', 'application/cloudevents+json')
  await nats.client.publish(`notes${streams}.any`, JSON.stringify(event), { headers: sent })
}

const standing = () => nats.manager.consumers.info(stream, 'second')

async function acknowledged(sequence: number) {
  await until(`${sequence} are acknowledged`, async () => (await standing()).ack_floor.stream_seq === sequence, 30_000)
}

function numbers(all: readonly { n: number }[]): number[] {
  return all.map(({ n }) => n)
}

function named(name: string) {
  return second.signals.filter((signal) => signal.name === name)
}
