/** Messages of a real nats-server become events: once, in order, acknowledged after the commit. */
import { expect, test } from 'vitest'
import { heldNotes } from './brokers/held-notes.ts'
import { until } from '../support/until.ts'
import { startScript } from './brokers/process-of.ts'
import { acknowledged, consume, makeConsumer, natsStage, send, sendCloudEvent, standing } from './brokers/nats-stage.ts'
import { eventsHeard, heard, named, note, numbers } from './brokers/second-bus.ts'

const stage = natsStage()

test('a message becomes an event with its effects, and is acknowledged after both are committed', async () => {
  const acked: number[] = []
  const consumer = await consume(stage, {
    effects: async (message, received, { tx }) => {
      expect(received).toMatchObject({ is: 'new', events: [{ duplicate: false }] })
      acked.push((await standing(stage)).ack_floor.stream_seq)
      await note(message, tx)
    },
  })

  await send(stage, { n: 1 })
  await send(stage, { n: 2 })
  await acknowledged(stage, 2)
  await consumer.stop()

  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
  expect((await eventsHeard(stage.second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(acked).toEqual([0, 1]) // within each message's transaction, the message was not yet acknowledged
})

test('a message that its publisher sends twice is one event', async () => {
  await consume(stage)

  await sendCloudEvent(stage, 'twice', 1)
  await sendCloudEvent(stage, 'other', 2)
  await sendCloudEvent(stage, 'twice', 1)
  await acknowledged(stage, 3)

  expect(await heard(stage.second.pool)).toMatchObject([{ message: 'twice' }, { message: 'other' }])
  expect((await eventsHeard(stage.second.pool)).length).toBe(2)
})

test('a message is redelivered if its process dies between the commit and the acknowledgement, and is then a duplicate', async () => {
  await makeConsumer(stage, { ack_wait: 1e9 })
  await send(stage, { n: 1 })
  await send(stage, { n: 2 })
  const settings = { connectionString: stage.database.connectionString, nats: { servers: stage.server.servers, stream: stage.stream, consumer: 'second' } } // prettier-ignore
  const first = await startScript('consuming.ts', { ...settings, diesAfter: 1 }, 'consuming').catch(() => null)
  await first?.exited

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
  await consume(stage)
  await acknowledged(stage, 2)

  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
  expect((await eventsHeard(stage.second.pool)).length).toBe(2)
})

test('an error in the effects rolls back the event, and the message is tried again before later ones', async () => {
  let tries = 0
  await consume(stage, {
    effects: async (message, _, { tx }) => {
      await note(message, tx)
      if (message.sequence === 1 && (tries += 1) < 3) throw new Error('not yet')
    },
  })

  await send(stage, { n: 1 })
  await send(stage, { n: 2 })
  await acknowledged(stage, 2)

  expect(tries).toBe(3)
  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
  expect((await eventsHeard(stage.second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(named(stage.second, 'message.failed')).toMatchObject([{ fields: { stream: stage.stream, sequence: 1, failures: 1 } }, { fields: { failures: 2 } }]) // prettier-ignore
})

test('the server learns that slow and waiting messages are still in work, and delivers each only once', async () => {
  await makeConsumer(stage, { ack_wait: 300e6 })
  await consume(stage, {
    effects: async (message, _, { tx }) => {
      await note(message, tx)
      if (message.sequence === 1) await stage.second.pool.query('select pg_sleep(1.5)')
    },
  })
  await send(stage, { n: 1 })
  await send(stage, { n: 2 })
  await acknowledged(stage, 2)

  expect(await standing(stage)).toMatchObject({ num_redelivered: 0, delivered: { consumer_seq: 2 } })
  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
})

test('at most `inFlight` messages are in hand, and at most `concurrency` of them run at once', async () => {
  const { effects, running, finish } = heldNotes()
  await consume(stage, {
    inFlight: 8,
    concurrency: 3,
    effects,
  })
  for (let n = 0; n < 30; n += 1) await send(stage, { n })
  await until('three run', () => running().now === 3)
  await until('eight are in hand', async () => (await standing(stage)).num_ack_pending === 8)
  finish()
  await acknowledged(stage, 30)

  expect(running().most).toBe(3)
  expect((await heard(stage.second.pool)).length).toBe(30)
})

test('with a key, the messages of one key keep their order, and different keys run at the same time', async () => {
  const running = new Set<string>()
  let beside = 0
  await consume(stage, {
    concurrency: 4,
    key: ({ subject }) => subject,
    effects: async (message, _, { tx }) => {
      expect(running.has(message.subject)).toBe(false)
      running.add(message.subject)
      beside = Math.max(beside, running.size)
      await stage.second.pool.query('select pg_sleep($1)', [Math.random() / 50])
      await note(message, tx)
      running.delete(message.subject)
    },
  })
  for (let n = 0; n < 40; n += 1) await send(stage, { n, key: `key${n % 3}` })
  await acknowledged(stage, 40)

  const came = await heard(stage.second.pool)
  for (const key of ['key0', 'key1', 'key2']) {
    const ofKey = came.filter((one) => one.key === key).map(({ n }) => n)
    expect(ofKey).toEqual(ofKey.toSorted((one, two) => one - two))
  }
  expect(beside).toBe(3)
})

test('stop waits for running messages, gives the rest back at once, and leaves the application’s connection open', async () => {
  const { begun, effects, finish } = heldNotes()
  const theirs = await stage.server.connect()
  const consumer = await consume(stage, {
    connection: theirs.connection,
    effects,
  })
  for (let n = 1; n <= 5; n += 1) await send(stage, { n })
  await begun
  await until('all are in hand', async () => (await standing(stage)).num_ack_pending === 5)
  const stopping = consumer.stop()
  finish()
  await stopping

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
  expect(theirs.connection.isClosed()).toBe(false)
  await theirs.connection.close()
  await consume(stage) // ack_wait is 30 s: they come now because stop gave them back
  await acknowledged(stage, 5)
  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2, 3, 4, 5])
})

test('a consumer goes on after the server was killed and started again', async () => {
  const consumer = await consume(stage)
  await send(stage, { n: 1 })
  await acknowledged(stage, 1)
  await stage.server.stop('SIGKILL')
  await stage.server.start()
  await until('the test is connected again', () => send(stage, { n: 2 }).then(() => true, () => false), 30_000) // prettier-ignore
  await acknowledged(stage, 2)
  await consumer.stop()

  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
})
