/** Schedules on Postgres: each tick is published once, also when processes die and clocks change, and as `missed` says after a standstill. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Client } from 'pg'
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { defineSchedule, type Tick } from '../../src/index.ts'
import { resetTime, travelTo } from '../../src/testing/time/time.ts'
import type { TestBus } from '../support/bus.ts'
import { aBus, emptyCalendar, everySecond, openCalendar, ticked, ticks } from '../support/calendar.ts'
import { until } from '../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openCalendar()
  return () => opened.close()
})

beforeEach(() => emptyCalendar())

afterEach(() => resetTime({ bus: opened.bus }))

test('three workers publish each tick once, while they stop one after the other', async () => {
  const schedules = [everySecond()]
  const workers = [1, 2, 3].map(() => aBus(schedules).bus.worker())
  await Promise.all(workers.map((worker) => worker.start()))

  for (const [place, worker] of workers.entries()) {
    await until(`another tick is published, ${place}`, async () => (await ticks()).length > place)
    await worker.stop()
  }

  const seconds = (await ticks()).map(({ at }) => Math.round(at.getTime() / 1_000))
  const [first = 0] = seconds
  expect(seconds.length).toBeGreaterThanOrEqual(3)
  expect(seconds).toEqual(seconds.map((_, place) => first + place))
})

test.each([
  [
    'spring',
    '2026-03-28T12:00Z',
    ['2026-03-29T00:59:59Z', '2026-03-29T01:00:01Z', '2026-03-29T01:30:01Z'],
    ['2026-03-29T01:00:00.000Z'],
  ],
  ['autumn', '2026-10-24T12:00Z', ['2026-10-25T00:30:01Z', '2026-10-25T01:30:01Z'], ['2026-10-25T00:30:00.000Z']],
])(
  'a daily tick in the hour of the clock change in %s comes once, from three processes',
  async (_, begin, times, expected) => {
    const schedules = [
      defineSchedule('reports.nightly', { cron: '30 2 * * *', timeZone: 'Europe/Berlin', event: ticked }),
    ]
    const buses = [1, 2, 3].map(() => aBus(schedules).bus)

    for (const time of [begin, ...times]) {
      await travelTo(new Date(time), { bus: opened.bus })
      await Promise.all(buses.map((bus) => bus.worker().drain()))
    }

    expect((await ticks()).map(({ at }) => at.toISOString())).toEqual(expected)
  },
)

test('after a standstill each schedule makes up the ticks that its `missed` names', async () => {
  const hourly = { cron: '0 * * * *', event: ticked }
  const { bus } = aBus([
    defineSchedule('missed.all', { ...hourly, missed: 'all' }),
    defineSchedule('missed.latest', hourly),
    defineSchedule('missed.none', { ...hourly, missed: 'none' }),
  ])
  await travelTo(new Date('2026-11-30T05:30Z'), { bus: opened.bus })
  await bus.drain()
  await travelTo(new Date('2026-11-30T08:30Z'), { bus: opened.bus })

  await bus.drain()
  const madeUp = await ticks()
  await travelTo(new Date('2026-11-30T09:00:30Z'), { bus: opened.bus })
  await bus.drain()

  const hours = (name: string, of: readonly Tick[]) =>
    of.filter((tick) => tick.name === name).map(({ at }) => at.getUTCHours())
  expect(['missed.all', 'missed.latest', 'missed.none'].map((name) => hours(name, madeUp))).toEqual([
    [6, 7, 8],
    [8],
    [],
  ])
  expect(madeUp.every(({ isMissed }) => isMissed)).toBe(true)
  const onTime = (await ticks()).slice(madeUp.length)
  expect(onTime.map(({ at, isMissed }) => [at.getUTCHours(), isMissed])).toEqual([
    [9, false],
    [9, false],
    [9, false],
  ])
})

test('a worker that is killed between its publish and its commit leaves nothing, and another one publishes the tick', async () => {
  const holder = await connected()
  await opened.database.query(`create function public.held_up() returns trigger language plpgsql as
    'begin perform pg_advisory_xact_lock(4711); return new; end';
    create trigger held_up before update on postbus.schedule for each row execute function public.held_up()`)
  onTestFinished(async () => void (await opened.database.query('drop function public.held_up() cascade')))
  await aBus([everySecond()]).bus.drain()
  await holder.query('select pg_advisory_lock(4711)')
  const doomed = await startProcess()
  await until('it has published, and waits', async () => (await waiting()) === 1)

  doomed.kill('SIGKILL')
  const { bus } = aBus([everySecond()])
  await using worker = bus.worker()
  await worker.start()
  await holder.query('select pg_advisory_unlock(4711)')
  await until('two ticks are published', async () => (await ticks()).length >= 2)

  const times = (await ticks()).map(({ at }) => at.getTime())
  expect(new Set(times).size).toBe(times.length)
  expect(times).toEqual(times.toSorted((one, other) => one - other))
})

test('a schedule whose event cannot be created is reported and tried again, and does not stop the others', async () => {
  let works = false
  const { bus, signals } = aBus([
    everySecond('broken', {
      event(tick) {
        if (!works) throw new Error('no such table')
        return ticked(tick)
      },
    }),
    everySecond('sound'),
  ])
  await using worker = bus.worker()
  await worker.start()
  await until(
    'the sound one ticks, and the other is reported',
    async () => signals.length >= 1 && (await ticks()).length >= 1,
  )
  const [signal] = signals

  works = true
  await until('it has been tried again', async () => (await ticks()).some(({ name }) => name === 'broken'))

  expect(signal).toMatchObject({
    level: 'error',
    message: expect.stringContaining('no such table'),
    fields: { schedule: 'broken' },
  })
})

/** The number of sessions that wait for the test's lock. */
async function waiting(): Promise<number | null> {
  return (
    await opened.database.query(`select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`)
  ).rowCount
}

async function connected(): Promise<Client> {
  const client = new Client({ connectionString: opened.connectionString })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** A worker with the schedule, in its own process. */
async function startProcess() {
  const folder = await mkdtemp(join(tmpdir(), 'postbus-schedule-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'worker.mjs')
  const from = (path: string) => JSON.stringify(pathToFileURL(resolve(path)).href)
  await writeFile(
    file,
    `import { createBus, defineEvent, defineSchedule } from ${from('src/index.ts')}
import { z } from ${from('node_modules/zod/index.js')}
const Ticked = defineEvent('calendar.ticked', { schema: z.object({ name: z.string(), at: z.date(), isMissed: z.boolean() }) })
const schedule = defineSchedule('every.second', { cron: '* * * * * *', missed: 'all', event: (tick) => Ticked({ ...tick }) })
await createBus({ connectionString: ${JSON.stringify(opened.connectionString)}, schedules: [schedule] }).worker().start()
`,
  )
  const child = spawn(process.execPath, [file], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
