/** A replay that is paused, cancelled, closed or killed: it continues where it stopped, and delivers nothing twice. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { drained } from '../support/drained.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('it continues in another process where it stopped, and ends in the first process', async () => {
  const bus = await busWithHandledNotes(40)
  const first = await bus.replay({ handler: 'notes.take', ratePerSecond: 20 })
  await until('some are given', async () => (await first.progress()).count >= 5)

  const other = stored.busWith([stored.noting()])
  const second = await other.replays.resume(first.id)

  await expect(first.done).rejects.toMatchObject({ code: 'POSTBUS_REPLAY_TAKEN_OVER' })
  expect(await second.done).toMatchObject({ id: first.id, state: 'done', examined: 40, count: 40 })
  await drained(other)
  expect(stored.took()).toEqual(numbers(40))
})

test('closing the bus interrupts it, and another bus continues it', async () => {
  const bus = await busWithHandledNotes(40)
  const first = await bus.replay({ handler: 'notes.take', ratePerSecond: 20 })
  await until('some are given', async () => (await first.progress()).count >= 5)

  await bus.close()

  await expect(first.done).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  const other = stored.busWith([stored.noting()])
  expect(await other.replays.list()).toMatchObject([{ id: first.id, state: 'running' }])
  await (
    await other.replays.resume(first.id)
  ).done
  await drained(other)
  expect(stored.took()).toEqual(numbers(40))
})

test('while it is paused it delivers nothing, and after a cancel it never delivers again', async () => {
  const bus = await busWithHandledNotes(40)
  const replay = await bus.replay({ handler: 'notes.take', ratePerSecond: 20 })
  await until('some are given', async () => (await replay.progress()).count >= 5)
  await replay.pause()
  const paused = await replay.progress()
  expect(paused).toMatchObject({ state: 'paused', remainingMs: expect.any(Number) })

  await replay.resume()
  await until('more are given', async () => (await replay.progress()).count > paused.count)
  await replay.cancel()

  const end = await replay.done
  expect(end).toMatchObject({ state: 'cancelled', endedAt: expect.any(Date) })
  expect(end.count).toBeLessThan(40)
  await expect(bus.replays.resume(replay.id)).rejects.toMatchObject({ code: 'POSTBUS_REPLAY_ENDED' })
  await drained(bus)
  expect(stored.took()).toEqual(numbers(end.count))
})

test('a replay with a function continues only with that function', async () => {
  const bus = await busWithHandledNotes(20)
  const where = ({ data }: { data: unknown }) => (data as { n: number }).n > 10
  const replay = await bus.replay({ handler: 'notes.take', where, ratePerSecond: 20 })
  await replay.pause()

  await expect(bus.replays.resume(replay.id)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  await (
    await bus.replays.resume(replay.id, { where })
  ).done

  await drained(bus)
  expect(stored.took()).toEqual(numbers(10, 11))
})

test('at most about a thousand of its deliveries wait at a time, ahead of later live events', async () => {
  const bus = await busWithHandledNotes(1_800, null)
  const replay = await bus.replay({ handler: 'notes.take' })
  await until('it waits for workers', async () => (await replay.progress()).count >= 1_000)
  const { count } = await replay.progress()
  expect(count).toBeLessThan(1_600)

  await using worker = bus.worker()
  await worker.start()

  expect(await replay.done).toMatchObject({ count: 1_800 })
  await until('all have run', () => stored.ran.length === 1_800)
})

test('it includes events that are about to be committed when it begins, and none that are published later', async () => {
  const bus = await busWithHandledNotes(2)
  const publisher = await stored.connect()
  await publisher.query('begin')
  await bus.publish(NoteTaken({ n: 3, key: 'two' }), { tx: publisher })
  const beginning = bus.replay({ handler: 'notes.take', dryRun: true })
  await until('it waits for the publisher', async () => {
    const { rows } = await stored.database.query('select from postbus.server_life')
    return rows.length > 0
  })
  await publisher.query('commit')

  expect(await beginning).toMatchObject({ matching: 3, count: 2, skipped: 1 })
})

async function busWithHandledNotes(count: number, key: string | null = 'one') {
  const bus = stored.busWith([stored.noting()])
  await stored.publish(bus, numbers(count), key)
  await drained(bus)
  stored.took()
  return bus
}
