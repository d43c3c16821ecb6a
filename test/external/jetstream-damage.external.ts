/** An engine's stream is damaged, and no handler misses an event: readers get missing events from Postgres. */
import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { AGAIN, aStage, numbers } from './brokers/engine-stage.ts'
import { nats, withNats } from './brokers/with-nats.ts'

withNats()

test.each(['deleted', 'purged', 'missing one message', 'written to by another program'] as const)(
  'no event is lost when the stream is %s',
  async (how) => {
    const { seen, opened, publish, worker, stream, stored, acknowledged } = await aStage()
    await worker()
    const { events } = await publish(1, 20)
    await until('the first are handled', () => seen.length === 20)
    if (how === 'deleted') await nats().manager.streams.delete(stream)
    else if (how === 'purged') await nats().manager.streams.purge(stream)
    else if (how === 'missing one message') await nats().manager.streams.deleteMessage(stream, 12)
    else await nats().client.publish(`${stream}.log.3`, 'hello')
    await publish(21, 25)
    await until('the next are handled', () => seen.length === 25, 30_000)
    await acknowledged()
    await opened.bus.log.rewind({ handler: 'notes.index', to: events[4]?.id ?? '' }, AGAIN)

    await until('all are handled again', () => seen.length >= 46, 30_000)
    expect(seen).toEqual([...numbers(1, 25), ...numbers(5, 25)])
    await publish(26, 27)
    await until('it goes on', () => seen.length >= 48, 30_000)
    expect(seen.slice(46)).toEqual([26, 27])
    expect((await stored()).slice(-2)).toEqual([26, 27])
  },
  90_000,
)

test('two workers lose no event when messages of some partitions are deleted', async () => {
  const { seen, opened, publish, worker, stream, missing, acknowledged } = await aStage()
  await worker()
  await worker()
  await new Promise((resolve) => setTimeout(resolve, 2_500)) // until the shards are divided
  const { events } = await publish(1, 40, 'first')
  for (let key = 0; key < 10; key += 1) await publish(41 + 20 * key, 60 + 20 * key, `key ${key}`)
  await until('all are handled', () => seen.length === 240)
  for (const sequence of [10, 55, 56, 119, 239, 240]) await nats().manager.streams.deleteMessage(stream, sequence)
  await acknowledged()
  await opened.bus.log.rewind({ handler: 'notes.index', to: events[0]?.id ?? '' }, AGAIN)

  await until('all are handled again', () => seen.length >= 480, 30_000)
  expect(seen.slice(240).toSorted((one, other) => one - other)).toEqual(numbers(1, 240))
  expect(missing().length).toBeGreaterThan(0)
}, 60_000)

test('when the consumers of the stream are deleted, a worker creates new ones and reports no failure', async () => {
  const { seen, opened, publish, worker, stream } = await aStage()
  await worker()
  await publish(1, 5)
  await until('the first are handled', () => seen.length === 5)
  for await (const { name } of nats().manager.consumers.list(stream))
    await nats().manager.consumers.delete(stream, name)
  await publish(6, 10)

  await until('all are handled', () => seen.length === 10)
  expect(opened.signalsNamed('engine.failed')).toEqual([])
})

test('after a crash of Postgres, the relay deletes the stream and creates it again, because Postgres may use numbers again', async () => {
  const { seen, opened, publish, worker, stream, stored, acknowledged } = await aStage()
  await worker()
  await publish(1, 5)
  await until('the first are handled', () => seen.length === 5)
  const before = (await nats().manager.streams.info(stream)).created
  await acknowledged()
  await opened.database.query('truncate postbus.server_life') // as a crash does, because the table is unlogged
  await publish(6, 10)

  await until('all are handled', () => seen.length >= 10, 30_000)
  expect(seen).toEqual(numbers(1, 10))
  expect((await nats().manager.streams.info(stream)).created).not.toBe(before)
  expect((await stored()).at(-1)).toBe(10)
}, 60_000)

test('a handler that is moved back to events before the stream reads them from Postgres, and the later ones from the stream', async () => {
  const { seen, opened, publish, worker, stream, missing, acknowledged } = await aStage()
  await worker()
  const { events } = await publish(1, 20)
  await until('all are handled', () => seen.length === 20)
  await nats().manager.streams.purge(stream, { seq: 15 })
  await acknowledged()
  await opened.bus.log.rewind({ handler: 'notes.index', to: events[0]?.id ?? '' }, AGAIN)

  await until('all are handled again', () => seen.length === 40, 30_000)
  expect(seen.slice(20)).toEqual(numbers(1, 20))
  const before = missing().length
  expect(before).toBeGreaterThan(0)
  await publish(21, 30)
  await until('all are handled', () => seen.length === 50)
  await publish(31, 40)
  await until('all are handled', () => seen.length === 60)
  expect(missing().length).toBeLessThanOrEqual(before + 1)
})

test('no event is lost when the last message of a partition is erased, and another worker becomes the relay', async () => {
  const { seen, opened, publish, worker, stored, acknowledged } = await aStage()
  const first = await worker()
  await worker()
  await new Promise((resolve) => setTimeout(resolve, 2_500)) // until the shards are divided
  const { events } = await publish(1, 10, 'a')
  const last = (await publish(11, 11, 'b')).events[0]?.id ?? ''
  await publish(12, 20, 'a')
  await until('all are handled', () => seen.length === 20)
  await opened.bus.events.redact(last, { by: 'test', reason: 'asked for', pending: 'deliver' })
  await until('it is erased', async () => !(await stored()).includes(11))
  await first.stop()
  await worker()
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  await publish(21, 25, 'a')
  await publish(26, 26, 'b')
  await until('the next are handled', () => seen.length === 26, 30_000)
  await acknowledged()
  await opened.bus.log.rewind({ handler: 'notes.index', to: events[0]?.id ?? '' }, AGAIN)

  await until('all are handled again', () => seen.length >= 52, 30_000)
  expect(seen.slice(26).filter((n) => n > 0).toSorted((one, other) => one - other)).toEqual([...numbers(1, 10), ...numbers(12, 26)]) // prettier-ignore
}, 90_000)

test('an erased event is erased in the stream, even while events are published all the time', async () => {
  const { opened, publish, worker, stored } = await aStage()
  await worker()
  const { events } = await publish(1, 3)
  await until('the stream has it', async () => (await stored()).includes(2))
  await opened.bus.events.redact(events[1]?.id ?? '', { by: 'test', reason: 'asked for', pending: 'deliver' })

  let n = 4
  await until('it is erased', async () => {
    await publish(n, n)
    n += 1
    return !(await stored()).includes(2)
  })
  expect(await stored()).toContain(3)
}, 60_000)
