/** `bus.workers`: the live workers, each with its process, queues and handlers, until it stops. */
import { hostname } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBus, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { linesOf, postbusHere as postbus } from '../support/cli.ts'
import { anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'

const take = handlerThat(() => undefined)
let opened: TestBus

beforeEach(async () => {
  opened = await openTestBus({ handlers: [take] })
})

afterEach(() => opened.close())

test('a worker is listed with its queues, slots and handlers from its start until it stops', async () => {
  const before = await opened.bus.workers()
  const worker = opened.bus.worker({ queues: { events: 3, events_partitioned: 7 } })
  await worker.start()
  const during = await opened.bus.workers()
  await worker.stop()

  expect([before, await opened.bus.workers()]).toEqual([[], []])
  expect(during).toEqual([
    {
      id: expect.any(String) as string,
      host: hostname(),
      pid: process.pid,
      queues: [
        { queue: 'events', slots: 3 },
        { queue: 'events_partitioned', slots: 7 },
      ],
      handlers: ['notes.take'],
      startedAt: expect.any(Date) as Date,
      seenAt: expect.any(Date) as Date,
    },
  ])
})

test('every process sees the workers of all, the oldest first, and the command prints them', async () => {
  await using other = anotherBus(opened, [take])
  const [one, two] = [opened.bus.worker(), other.worker({ queues: { events: 1 } })]
  await one.start()
  await two.start()
  const listed = await opened.bus.workers()
  const { out } = await postbus(opened.connectionString, ['workers', '--json'])
  const table = await postbus(opened.connectionString, ['workers'])
  await Promise.all([one.stop(), two.stop()])

  expect(listed.map(({ queues }) => queues.length)).toEqual([2, 1])
  expect(linesOf(out).map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(listed.map(({ id }) => id))
  expect(table.out).toContain(`${hostname()}:${process.pid}`)
  expect(table.out).toContain('events (20), events_partitioned (20)')
})

test('a renamed handler is listed by its present name, and a worker of the previous release without slots', async () => {
  const previousNames = ['notes.take']
  const renamed = defineHandler('notes.file', { on: NoteTaken, previousNames, handle: () => undefined })
  await opened.database.query(
    `insert into postbus.worker (id, host, pid, queues, handlers)
    values (gen_random_uuid(), 'old', 1, '{events}', '{notes.take,notes.gone}')`,
  )
  await using bus = anotherBus(opened, [renamed])

  expect(await bus.workers()).toMatchObject([
    { host: 'old', queues: [{ queue: 'events', slots: null }], handlers: ['notes.file', 'notes.gone'] },
  ])
})

test('a worker that has been silent for a minute is not listed', async () => {
  await opened.database.query(
    `insert into postbus.worker (id, host, pid, queues, handlers, seen_at)
    values (gen_random_uuid(), 'killed', 1, '{events}', '{}', now() - interval '61 seconds')`,
  )

  expect(await opened.bus.workers()).toEqual([])
})

test('a bus in memory has no workers to list', async () => {
  const bus = createBus({ backend: 'inline', handlers: [take] })

  await expect(bus.workers()).rejects.toMatchObject({ code: 'POSTBUS_NO_DATABASE' })
})
