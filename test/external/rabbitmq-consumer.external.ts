/** Messages of a real rabbitmq-server become events: once, in order, acknowledged after the commit. */
import { expect, test } from 'vitest'
import { heldNotes } from './brokers/held-notes.ts'
import { until } from '../support/until.ts'
import { startScript } from './brokers/process-of.ts'
import { consume, heardBy, rabbitStage, send, waiting } from './brokers/rabbit-stage.ts'
import { eventsHeard, heard, named, note, notes, numbers } from './brokers/second-bus.ts'

const stage = rabbitStage()

test('a message becomes an event with its effects, and is acknowledged after both are committed', async () => {
  const unacknowledged: number[] = []
  const consumer = await consume(stage, {
    effects: async (message, received, { tx }) => {
      expect(received).toMatchObject({ is: 'new', events: [{ duplicate: false }] })
      await note(message, tx)
      unacknowledged.push(numbers(await heard(stage.second.pool)).length)
    },
  })

  await send(stage, { n: 1 })
  await send(stage, { n: 2 })
  await heardBy(stage, 2)
  await consumer.stop()

  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
  expect((await eventsHeard(stage.second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(unacknowledged).toEqual([0, 1])
  expect(await waiting(stage)).toBe(0) // closing the connection returned no message to the queue
})

test('a message that its publisher sends twice is one event', async () => {
  const consumer = await consume(stage)

  await send(stage, { n: 1 }, { messageId: 'twice' })
  await send(stage, { n: 2 }, { messageId: 'other' })
  await send(stage, { n: 1 }, { messageId: 'twice' })
  await send(stage, { n: 3 }, { messageId: 'last' })
  await heardBy(stage, 3)
  await consumer.stop()

  expect(await heard(stage.second.pool)).toMatchObject([
    { message: 'twice' },
    { message: 'other' },
    { message: 'last' },
  ])
  expect((await eventsHeard(stage.second.pool)).length).toBe(3)
})

test('a message is redelivered if its process dies between the commit and the acknowledgement, and is then a duplicate', async () => {
  await send(stage, { n: 1 })
  await send(stage, { n: 2 })
  const settings = {
    connectionString: stage.database.connectionString,
    rabbit: { url: stage.server.url, queue: stage.queue },
  }
  const first = await startScript('consuming.ts', { ...settings, diesAfter: 1 }, 'consuming').catch(() => null)
  await first?.exited

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
  const redelivered: boolean[] = []
  const consumer = await consume(stage, {
    source: { ...notes, event: (message) => { redelivered.push((message as unknown as { isRedelivered: boolean }).isRedelivered); return notes.event(message) } }, // prettier-ignore
  })
  await heardBy(stage, 2)
  await consumer.stop()

  expect(redelivered[0]).toBe(true)
  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
  expect((await eventsHeard(stage.second.pool)).length).toBe(2)
  expect(await waiting(stage)).toBe(0)
})

test('an error in the effects rolls back the event, and the message is tried again before later ones', async () => {
  let tries = 0
  await consume(stage, {
    effects: async (message, _, { tx }) => {
      await note(message, tx)
      if (message.id === 'first' && (tries += 1) < 3) throw new Error('not yet')
    },
  })

  await send(stage, { n: 1 }, { messageId: 'first' })
  await send(stage, { n: 2 })
  await heardBy(stage, 2)

  expect(tries).toBe(3)
  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2])
  expect((await eventsHeard(stage.second.pool)).map(({ n }) => n)).toEqual([1, 2])
  expect(named(stage.second, 'message.failed')).toMatchObject([
    { fields: { queue: stage.queue, messageId: 'first', failures: 1 } },
    {},
  ])
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
  await until('the others wait at the broker', async () => (await waiting(stage)) === 22)
  finish()
  await heardBy(stage, 30)

  expect(running().most).toBe(3)
})

test('stop waits for running messages, and gives the rest back in order', async () => {
  const { begun, effects, finish } = heldNotes()
  const consumer = await consume(stage, { effects })
  for (let n = 1; n <= 5; n += 1) await send(stage, { n })
  await begun
  await until('all are in hand', async () => (await waiting(stage)) === 0)
  const stopping = consumer.stop()
  finish()
  await stopping

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
  expect(await waiting(stage)).toBe(4)
  await consume(stage)
  await heardBy(stage, 5)
  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2, 3, 4, 5])
})

test('a consumer goes on after the broker was killed and started again, and messages in hand come again', async () => {
  const { begun, effects, finish } = heldNotes()
  const consumer = await consume(stage, { effects })
  for (let n = 1; n <= 5; n += 1) await send(stage, { n })
  await begun
  await stage.server.stop('SIGKILL')
  await until('the consumer has noticed', () => named(stage.second, 'consumer.lost').length === 1)
  finish()
  await stage.server.start()
  await stage.connect()
  await heardBy(stage, 5)
  await until('it says so', () => named(stage.second, 'consumer.restored').length === 1)
  await consumer.stop()

  expect(numbers(await heard(stage.second.pool))).toEqual([1, 2, 3, 4, 5])
  expect((await eventsHeard(stage.second.pool)).length).toBe(5)
  expect(await waiting(stage)).toBe(0)
}, 120_000)

test('a consumer goes on after its queue was deleted and created again', async () => {
  await consume(stage)
  await stage.channel.deleteQueue(stage.queue)
  await until('the consumer has noticed', () => named(stage.second, 'consumer.lost').length === 1)
  await stage.channel.assertQueue(stage.queue)
  await send(stage, { n: 1 })
  await heardBy(stage, 1)

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
})

test('a consumer gives up a failing message when its broker goes away, because the broker sends it again', async () => {
  let tries = 0
  const consumer = await consume(stage, {
    maxAttempts: null,
    effects: async (message, _, { tx }) => {
      tries += 1
      if (named(stage.second, 'consumer.restored').length === 0) throw new Error('not yet')
      await note(message, tx)
    },
  })
  await send(stage, { n: 1 })
  await until('it was tried', () => tries > 0)
  await stage.server.stop('SIGKILL')
  await stage.server.start()
  await stage.connect()
  await heardBy(stage, 1)
  await consumer.stop()

  expect(numbers(await heard(stage.second.pool))).toEqual([1])
  expect(await waiting(stage)).toBe(0)
}, 120_000)
