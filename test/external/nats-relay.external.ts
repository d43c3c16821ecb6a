/** Relays to a real nats-server: the stream stores each event once, in order, and each event reaches a second bus. */
import { AckPolicy, type StreamConfig } from '@nats-io/jetstream'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Bus } from '../../src/index.ts'
import { consumeJetStream, jetStreamTarget, type JetStreamTargetOptions } from '../../src/nats/index.ts'
import { defineRelay, readEnvelope, type MessageOptions } from '../../src/relay/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'
import { eventsHeard, heard, note, notes, prepareSecond, secondBus } from './brokers/second-bus.ts'
import { nats, server, withNats } from './brokers/with-nats.ts'

let stream = ''
let streams = 0

withNats()

beforeEach(async () => {
  streams += 1
  stream = `RELAYED${streams}`
  await makeStream()
  return () => nats().manager.streams.delete(stream)
})

test.each(['cloudevents', 'cloudevents-binary', 'envelope'] as const)(
  'an event is one message in the stream, with its id as the message id: %s',
  async (format) => {
    const { bus } = await aBus({}, { format })
    const { events } = await bus.publish(NoteTaken({ n: 1, key: 'köln' }))
    await finished(bus, events[0]!.id)

    const [message, ...others] = await stored()
    expect(others).toEqual([])
    expect(message).toMatchObject({ subject: `relayed${streams}.köln` })
    expect(message?.header.get('Nats-Msg-Id')).toBe(events[0]!.id)
    const read = format === 'envelope' ? readEnvelope(message!.data) : notes.event(asRead(message!))
    expect(read).toMatchObject({ data: { n: 1, key: 'köln' } })
    expect(message?.header.get('ce-partitionkey')).toBe(format === 'cloudevents-binary' ? 'k%C3%B6ln' : '')
  },
)

test('an event that is sent again within the duplicate window is stored once', async () => {
  const { bus } = await aBus()
  const { events } = await bus.publish(NoteTaken({ n: 1 }))
  await finished(bus, events[0]!.id)
  const replay = await bus.replay({ handler: 'notes.relay', types: [NoteTaken.type] }, { by: 'test', reason: 'again' })
  await replay.done
  await finished(bus, events[0]!.id)

  expect((await stored()).length).toBe(1)
})

test('the relay retries while the server is away, and then events arrive in the order of each key', async () => {
  const { bus } = await aBus()
  await bus.publish(NoteTaken({ n: 0, key: 'red' }))
  await until('the first one is there', async () => (await stored()).length === 1)
  await server().stop('SIGKILL')
  for (let n = 1; n <= 20; n += 1) await bus.publish(NoteTaken({ n, key: n % 2 ? 'red' : 'blue' }))
  await until('it was tried in vain', async () => (await failures(bus)).length > 0)
  await server().start()
  await until('all are there', async () => (await stored().catch(() => [])).length === 21, 60_000)

  const messages = (await stored()).map(
    (message) => notes.event(asRead(message)) as { data: { n: number; key: string } },
  )
  const ofKey = (key: string) => messages.filter(({ data }) => data.key === key).map(({ data }) => data.n)
  expect(ofKey('red')).toEqual([0, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
  expect(ofKey('blue')).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
})

describe('a message that the stream refuses is a failed attempt with the reason', () => {
  test('no stream has the subject', async () => {
    const { bus } = await aBus({ subject: 'nowhere.at.all' }, { maxAttempts: 1 })
    await bus.publish(NoteTaken({ n: 1 }))

    expect(await deathOf(bus)).toContain('No stream of JetStream has the subject "nowhere.at.all"')
  })

  test('another stream than the expected one has the subject', async () => {
    const { bus } = await aBus({ expectedStream: 'ORDERS' }, { maxAttempts: 1 })
    await bus.publish(NoteTaken({ n: 1 }))

    expect(await deathOf(bus)).toContain('expected stream does not match')
    expect(await stored()).toEqual([])
  })

  test('a subject with a wildcard', async () => {
    const { bus } = await aBus({ subject: 'relayed.*' }, { maxAttempts: 1 })
    await bus.publish(NoteTaken({ n: 1 }))

    expect(await deathOf(bus)).toContain('`subject` of notes.note-taken is "relayed.*"')
  })

  test('the stream is full', async () => {
    await nats().manager.streams.delete(stream)
    await makeStream({ max_msgs: 1, discard: 'new' as never })
    const { bus } = await aBus({}, { maxAttempts: 1 })
    await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2 })])

    expect(await deathOf(bus)).toContain('maximum messages exceeded')
  })
})

test('an event goes through the stream to a second bus, and keeps its correlation id there', async () => {
  const opened = await aBus()
  await prepareSecond(opened.connectionString)
  await nats().manager.consumers.add(stream, { durable_name: 'second', ack_policy: AckPolicy.Explicit })
  const second = secondBus(opened.connectionString)
  const consumer = await consumeJetStream({
    bus: second.bus,
    servers: server().servers,
    stream,
    consumer: 'second',
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

test('`bus.close()` closes the connection that the target opened, and not one of the application', async () => {
  const theirs = await server().connect()
  onTestFinished(() => theirs.connection.close())
  const own = await aBus()
  const shared = await aBus({ connection: theirs.connection })
  for (const { bus } of [own, shared]) await finished(bus, (await bus.publish(NoteTaken({ n: 1 }))).events[0]!.id)

  for (const { close } of [own, shared]) await close()
  await theirs.connection.flush()
  expect(theirs.connection.isClosed()).toBe(false)
})

test.each([
  [{}, 'expected one of `servers`'],
  [{ servers: 'nats://127.0.0.1', connect: async () => nats().connection }, 'expected one of `servers`'],
  [{ servers: 'nats://127.0.0.1', topic: 'x' }, 'topic'],
  [{ servers: 'nats://127.0.0.1', timeoutMs: 0 }, 'timeoutMs'],
])('refuses %j', (options, message) => {
  expect(() => jetStreamTarget(options as JetStreamTargetOptions)).toThrow(
    expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS', message: expect.stringContaining(message) }),
  )
})

async function aBus(
  target: Partial<JetStreamTargetOptions> = {},
  relay: Pick<MessageOptions, 'format'> & { readonly maxAttempts?: number } = {},
): Promise<TestBus> {
  const place = target.connection ? {} : { servers: server().servers }
  const to = jetStreamTarget({
    ...place,
    subject: (event) => `relayed${streams}.${event.partitionKey ?? 'none'}`,
    timeoutMs: 1_000,
    ...target,
  })
  const handler = defineRelay('notes.relay', { on: NoteTaken, to, backoff: { initialMs: 200, factor: 1 }, maxAttempts: 100, ...relay }) // prettier-ignore
  const opened = await openTestBus({ handlers: [handler] })
  const worker = opened.bus.worker({ pollMs: 100 })
  await worker.start()
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    await worker.stop()
    await opened.close()
  }
  onTestFinished(close)
  return { ...opened, close }
}

async function makeStream(options: Partial<StreamConfig> = {}) {
  await nats().manager.streams.add({ name: stream, subjects: [`relayed${streams}.>`], ...options })
}

/** All messages of the stream, as they are stored. */
async function stored() {
  const { state } = await nats().manager.streams.info(stream)
  const all = []
  for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
    const message = await nats().manager.streams.getMessage(stream, { seq })
    if (message) all.push(message)
  }
  return all
}

type Stored = Awaited<ReturnType<typeof stored>>[number]

function asRead(message: Stored) {
  const headers = Object.fromEntries(message.header.keys().map((name) => [name, message.header.get(name)]))
  return { id: '', headers, text: () => message.string(), json: () => message.json<unknown>() }
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
  await until('a delivery is dead', async () => (await bus.deadLetters.list()).deadLetters.length > 0, 30_000)
  return (await bus.deadLetters.list()).deadLetters[0]?.reason ?? ''
}
