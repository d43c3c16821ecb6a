/** JetStream as the engine: one worker copies the log to a stream, and handlers read it there. */
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../../src/index.ts'
import { jetStream, type JetStreamOptions } from '../../src/jetstream/index.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'
import { AGAIN, aServer, aStage, numbers, started } from './brokers/engine-stage.ts'
import { nats, server, withNats } from './brokers/with-nats.ts'

withNats()

test('the handler gets each event once and in order, from the stream', async () => {
  const { seen, opened, publish, worker, stored, missing } = await aStage()
  await publish(1, 10)
  await worker()
  await publish(11, 2_500)

  await until('all are handled', () => seen.length === 2_500)
  expect(seen).toEqual(numbers(1, 2_500))
  expect(await stored()).toEqual(numbers(1, 2_500))
  expect(missing()).toEqual([])
  expect((await opened.bus.doctor()).find(({ check }) => check === 'engine')).toMatchObject({ status: 'ok' })
})

test('two workers share the partitions, and each event is handled once', async () => {
  const { seen, publish, worker, missing } = await aStage()
  await worker()
  await worker()
  await new Promise((resolve) => setTimeout(resolve, 2_500)) // until the shards are divided
  for (let key = 0; key < 20; key += 1) await publish(100 * key + 1, 100 * key + 100, `key ${key}`)

  await until('all are handled', () => seen.length >= 2_000)
  expect(seen.toSorted((one, other) => one - other)).toEqual(numbers(1, 2_000))
  for (let key = 0; key < 20; key += 1) {
    const ofKey = seen.filter((n) => Math.ceil(n / 100) === key + 1)
    expect(ofKey).toEqual(numbers(100 * key + 1, 100 * key + 100))
  }
  expect(missing()).toEqual([])
})

test('a failure becomes a delivery in its lane, and later events of its key wait behind it', async () => {
  let failures = 2
  const seen: number[] = []
  const handler = handlerThat(
    (n) => {
      if (n === 3 && failures-- > 0) throw new Error('not yet')
      seen.push(n)
    },
    { name: 'notes.index', delivery: 'log', shards: 4 },
  )
  const { opened, publish, worker } = await aStage({ handler })
  await worker()
  const { events } = await publish(1, 10)

  await until('all are handled', () => seen.length === 10)
  expect(seen).toEqual(numbers(1, 10))
  const third = events[2]?.id ?? ''
  await until('its delivery is settled', async () => (await opened.bus.events.status(third))?.deliveries[0]?.state === 'done') // prettier-ignore
  expect((await opened.bus.events.status(third))?.deliveries).toMatchObject([{ handler: 'notes.index', attempts: 3 }])
})

test('publishers and workers start while NATS is down, and handlers catch up when it is up', async () => {
  await using own = await aServer()
  const { seen, publish, worker, opened } = await aStage({ servers: own.servers })
  await own.stop('SIGKILL')
  await worker()
  await publish(1, 50)
  await until('it says so', () => opened.signalsNamed('engine.failed').length > 0)
  expect(seen).toEqual([])

  await own.start()
  await until('all are handled', () => seen.length === 50, 30_000)
  await own.stop('SIGKILL')
  await publish(51, 100)
  await own.start()
  await until('all are handled', () => seen.length === 100, 30_000)
  expect(seen).toEqual(numbers(1, 100))
  await until('it says so', () => opened.signalsNamed('engine.restored').length > 0)
}, 90_000)

test('an event that is too large for a message, or has a time limit, is read from Postgres', async () => {
  const texts: number[] = []
  const handler = defineHandler('notes.index', {
    on: NoteTaken,
    delivery: 'log',
    handle: ({ data }) => void texts.push(data.text?.length ?? 0),
  })
  const { opened, worker, stored } = await aStage({ handler })
  await worker()
  const text = (length: number) => 'x'.repeat(length)
  await opened.bus.publish([
    NoteTaken({ n: 1, key: 'a', text: text(10) }),
    NoteTaken({ n: 2, key: 'a', text: text(1_048_450) }),
    NoteTaken({ n: 3, key: 'a', text: text(20) }, { ttlMs: 60_000 }),
    NoteTaken({ n: 4, key: 'a', text: text(30) }, { ttlMs: 1 }),
  ])

  await until('all are handled', () => texts.length === 3)
  expect(texts).toEqual([10, 1_048_450, 20])
  expect(await stored()).toHaveLength(4)
})

test('an event that is published for later runs at its time', async () => {
  const { seen, opened, worker } = await aStage()
  await worker()
  await opened.bus.publish(NoteTaken({ n: 1 }), { delayMs: 1_500 })
  await opened.bus.publish(NoteTaken({ n: 2 }))

  await until('both are handled', () => seen.length === 2)
  expect(seen).toEqual([2, 1])
})

test('an event that an operator erases is erased in the stream, and no reader gets it from there', async () => {
  const { seen, opened, publish, worker, stored, stream, acknowledged } = await aStage()
  await worker()
  const { events } = await publish(1, 3)
  await until('all are handled', () => seen.length === 3)
  await opened.bus.events.redact(events[1]?.id ?? '', { by: 'test', reason: 'asked for', pending: 'deliver' })

  await until('it is erased', async () => (await stored()).join() === '1,3')
  expect(await nats().manager.streams.getMessage(stream, { seq: 2 })).toBeNull()
  const { rows } = await opened.database.query('select * from postbus.log_erasure')
  expect(rows).toEqual([])
  await acknowledged()
  await opened.bus.log.rewind({ handler: 'notes.index', to: events[0]?.id ?? '' }, AGAIN)
  await until('the others are handled again', () => seen.filter((n) => n === 3).length === 2)
})

test('the number of partitions can change', async () => {
  const { seen, opened, publish, worker, stream, handler, stored } = await aStage({ partitions: 16 })
  const first = await worker()
  for (let key = 1; key <= 10; key += 1) await publish(key, key, `key ${key}`)
  await until('all are handled', () => seen.length === 10)
  await first.stop()
  await using other = createBus({
    connectionString: opened.connectionString,
    handlers: [handler],
    engine: jetStream({ servers: server().servers, stream, partitions: 6 }),
  })
  await publish(11, 20)
  await using _second = await started(other.worker())

  await until('all are handled', () => seen.length === 20)
  await publish(21, 30)
  await until('all are handled', () => seen.length === 30)
  expect(seen.toSorted((one, next) => one - next)).toEqual(numbers(1, 30))
  expect((await stored()).at(-1)).toBe(30)
  const { state } = await nats().manager.streams.info(stream, { subjects_filter: '>' })
  const partitions = Object.keys(state.subjects ?? {}).map((subject) => Number(subject.split('.').at(-1)))
  expect(Math.max(...partitions)).toBeLessThan(6)
})

test('a stream of another database is refused: the relay neither writes to it nor deletes it', async () => {
  const { seen, publish, worker, stream, stored } = await aStage()
  await worker()
  await publish(1, 3)
  await until('all are handled', () => seen.length === 3)
  const strange = await aStage({ stream })
  await strange.worker()
  await strange.publish(1, 3)

  const said = () => strange.opened.signalsNamed('engine.failed').map(({ message }) => message)
  await until('it says so', () => said().length > 0)
  expect(said()[0]).toContain(`Stream "${stream}" of JetStream is filled from another database.`)
  await strange.opened.database.query('update postbus.log_stream set life = gen_random_uuid()') // as after a crash
  await new Promise((resolve) => setTimeout(resolve, 3_000)) // it tries again and again
  expect(await stored()).toEqual([1, 2, 3])
  expect(strange.seen).toEqual([])
})

test('a worker that has stopped leaves no subscription on the connection of the application', async () => {
  const connection = await connect({ servers: server().servers })
  onTestFinished(() => connection.close())
  const { seen, publish, worker } = await aStage({ connection })
  const first = await worker()
  await publish(1, 3)
  await until('all are handled', () => seen.length === 3)
  await first.stop()

  expect(connection.isClosed()).toBe(false)
  expect((connection as unknown as WithSubscriptions).protocol.subscriptions.size()).toBeLessThanOrEqual(1) // its own, for replies
})

/** What the client does not show. */
interface WithSubscriptions {
  readonly protocol: { readonly subscriptions: { size(): number } }
}

test('events are found by the stored names of renamed types', async () => {
  const schema = z.object({ n: z.number() })
  const Old = defineEvent('notes.old-name', { schema })
  const New = defineEvent('notes.new-name', { schema, previousNames: ['notes.old-name'] })
  const seen: string[] = []
  const handler = defineHandler('notes.read', {
    on: New,
    delivery: 'log',
    handle: ({ type, data }) => void seen.push(`${type} ${data.n}`),
  })
  const { opened, worker } = await aStage({ handler, events: [New] })
  await worker()
  await using old = createBus({ connectionString: opened.connectionString, events: [Old], onSignal: () => undefined })
  await old.publish(Old({ n: 1 }))
  await opened.bus.publish(New({ n: 2 }))

  await until('both are handled', () => seen.length === 2)
  expect(seen).toEqual(['notes.new-name 1', 'notes.new-name 2'])
})

test.each([
  [{}, 'expected one of `servers`, `connect` and `connection`'],
  [{ servers: 'nats://x', stream: 'a.b' }, 'stream'],
  [{ servers: 'nats://x', partitions: 0 }, 'partitions'],
  [{ servers: 'nats://x', subjects: 3 }, 'subjects'],
])('bad options are refused: %j', (given, problem) => {
  expect(() => jetStream(given as JetStreamOptions)).toThrow(problem)
})
