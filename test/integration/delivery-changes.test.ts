/** A handler goes from deliveries to the log, back, and to another number of shards, with old publishers and workers still there. */
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Bus, HandlerOptions, Worker } from '../../src/index.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

const LOG: HandlerOptions = { delivery: 'log', shards: 4 }

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

const workers: Worker[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()))
  await stored.tidy()
  await stored.database.query('truncate postbus.registry, postbus.former_registry cascade') // each test is a history of its own
})

afterAll(() => stored.close())

test.each([
  ['deliveries to the log', {}, LOG, 'log'],
  ['the log to deliveries', LOG, {}, 'job'],
] as const)(
  'from %s: old and new publishers go on, each event is handled once, in order',
  async (_, before, after, mode) => {
    const [old, deployed] = [deployedAs(before), deployedAs(after)]
    await old.migrate()
    await working(old)
    await stored.publish(old, [1, 2])
    const { steps } = await deployed.migrate()
    await working(deployed)
    for (let n = 3; n <= 40; n += 2) {
      await stored.publish(deployed, [n])
      await stored.publish(old, [n + 1])
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await changed(mode)
    await stored.publish(old, [41])
    await stored.publish(deployed, [42])
    await until('all are handled', () => stored.ran.length >= 42)

    expect(steps).toContainEqual(expect.stringContaining('let handler "notes.take" go from'))
    expect(stored.took()).toEqual(numbers(42))
    await stored.waits(0)
    const { deliveries } = await deployed
      .publish([NoteTaken({ n: 43 }), NoteTaken({ n: 44 })])
      .then(async ({ events }) => {
        await until('these too', () => stored.ran.length >= 2)
        return { deliveries: await Promise.all(events.map(({ id }) => deployed.events.whenFinished(id))) }
      })
    expect(deliveries.every((one) => one.deliveries[0]?.state === 'done')).toBe(true)
  },
)

test('what has a delivery waits for what is to be read before it', async () => {
  const [old, deployed] = [deployedAs(LOG), deployedAs({})]
  await old.migrate()
  await working(old)
  await old.pause({ handler: 'notes.take' })
  await until('it is known', async () => (await stored.database.query('select from postbus.pause')).rows.length > 0)
  await stored.publish(old, numbers(20))
  await deployed.migrate()
  await working(deployed)
  await until('deliveries are held', async () => (await rowOf()).mode === 'held')
  await stored.publish(deployed, numbers(20, 21))

  await old.resume({ handler: 'notes.take' })
  await changed('job')
  await until('all are handled', () => stored.ran.length >= 40)

  expect(stored.took()).toEqual(numbers(40))
})

test('it goes on only when all that was published before is read', async () => {
  const [old, deployed] = [deployedAs(LOG), deployedAs({})]
  await old.migrate()
  await stored.publish(old, [1, 2, 3])
  await deployed.migrate()

  await until('no step can be taken', async () => (await step()) === null && (await rowOf()).phase === 'reading')
  expect(await step()).toBeNull()
  expect((await rowOf()).mode).toBe('held')

  await stored.publish(deployed, [4])
  await working(deployed)
  await changed('job')
  await until('all are handled', () => stored.ran.length >= 4)
  expect(stored.took()).toEqual([1, 2, 3, 4])
})

test('another number of shards: what was handled is not handled again, and nothing is left out', async () => {
  const old = deployedAs({ delivery: 'log', shards: 2 })
  await old.migrate()
  const first = await working(old)
  const keys = numbers(12).map((n) => `key ${n}`)
  const publish = (bus: Bus, from: number) =>
    bus.publish(keys.flatMap((key, index) => [0, 1, 2].map((more) => NoteTaken({ n: from + index * 3 + more, key }))))
  await publish(old, 1)
  await until('all are handled', () => stored.ran.length >= 36)

  const deployed = deployedAs({ delivery: 'log', shards: 5 })
  await publish(old, 37)
  await deployed.migrate()
  await publish(old, 73)
  await working(deployed)
  await publish(deployed, 109)
  await until('it has other shards', async () => (await rowOf()).shards === 5)
  await first.stop()
  await publish(deployed, 145)
  await until('all are handled', () => stored.ran.length >= 180)
  await until('the old places are passed', async () => (await rowOf()).floors === null)

  const took = stored.took()
  expect(took.toSorted((one, other) => one - other)).toEqual(numbers(180))
})

test('a transaction that began before the change publishes as it sees it, and the change waits for it', async () => {
  const [old, deployed] = [deployedAs({}), deployedAs(LOG)]
  await old.migrate()
  await stored.publish(old, [1])
  const tx = await stored.connect()
  await tx.query('begin isolation level repeatable read')
  await tx.query('select count(*) from postbus.event')
  await deployed.migrate()
  await working(deployed)
  await stored.publish(deployed, [2])
  await until('it waits for the transaction', async () => (await rowOf()).phase === 'waiting')
  await until('what was before is handled', () => stored.ran.length >= 2)

  await old.publish(NoteTaken({ n: 3, key: 'one' }), { tx })
  await tx.query('commit')
  await changed('log')
  await stored.publish(deployed, [4])
  await until('all are handled', () => stored.ran.length >= 4)

  expect(stored.took()).toEqual(numbers(4))
})

test('what publishes from SQL follows', async () => {
  const events = [NoteTaken]
  const [old, deployed] = [deployedAs({}, events), deployedAs(LOG, events)]
  await old.migrate()
  await stored.publish(old, [1])
  await deployed.migrate()
  const sql = (n: number) =>
    stored.database.query(`select postbus.publish_event('notes.note-taken', $1::jsonb, partition_key => 'one')`, [
      JSON.stringify({ n, key: 'one' }),
    ])
  await sql(2)
  await working(deployed)
  for (const n of numbers(30, 3)) {
    await sql(n)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await changed('log')
  await sql(33)
  await until('all are handled', () => stored.ran.length >= 33)

  expect(stored.took()).toEqual(numbers(33))
  await stored.waits(0)
})

test('a deploy that was taken back does not pull it back, unless it says so', async () => {
  const [old, deployed] = [deployedAs({}), deployedAs(LOG)]
  await old.migrate()
  await stored.publish(old, [1])
  await deployed.migrate()

  const report = await old.migrate()
  expect(report.registryKept).toContain('newer deploy')
  expect((await rowOf()).wanted).toBe('log')

  await old.migrate({ replaceRegistry: true })
  expect((await rowOf()).wanted).toBe('job')
})

test('a worker of older code follows the database, and says so', async () => {
  const [old, deployed] = [deployedAs({}), deployedAs(LOG)]
  await old.migrate()
  await stored.publish(old, [1])
  await deployed.migrate()
  const worker = await working(deployed)
  await changed('log')
  await worker.stop()

  await working(old)
  await stored.publish(deployed, [2])
  await until('it has read the log', () => stored.ran.length >= 2)

  expect(stored.took()).toEqual([1, 2])
  expect(stored.signals.map(({ name }) => name)).toContain('delivery.differs')
})

test('what became of events is known of all times, and cursors cannot be moved meanwhile', async () => {
  const [old, deployed] = [deployedAs({}), deployedAs(LOG)]
  await old.migrate()
  const ids: string[] = []
  const publish = async (n: number, bus = deployed) => ids.push((await stored.publish(bus, [n])).events[0]!.id)
  await working(old)
  await publish(1, old)
  await deployed.migrate()
  await expect(deployed.log.skipTo({ handler: 'notes.take', to: 'end' })).rejects.toMatchObject({
    code: 'POSTBUS_DELIVERY_CHANGED',
  })
  await working(deployed)
  await changed('log')
  await publish(2)
  await until('it is handled', () => stored.ran.length >= 2)
  await old.migrate({ replaceRegistry: true })
  await changed('job')
  await publish(3)
  await until('it is handled', () => stored.ran.length >= 3)

  const statuses = await Promise.all(ids.map((id) => old.events.whenFinished(id)))
  expect(statuses.map(({ deliveries }) => deliveries.map(({ handler, state }) => [handler, state]))).toEqual(
    Array.from({ length: 3 }, () => [['notes.take', 'done']]),
  )
})

test('a role that publishes has to see that a handler has changed', async () => {
  await deployedAs({}).migrate()
  await stored.database.query(`create role blind login; grant usage on schema postbus, pgboss to blind;
    grant select, insert on postbus.event, pgboss.job, pgboss.job_common to blind; grant select on pgboss.queue to blind`)
  onTestFinished(async () => void (await stored.database.query('drop owned by blind; drop role blind')))
  const tx = await stored.connect()
  await tx.query('begin; set local role blind')

  await expect(deployedAs({}).publish(NoteTaken({ n: 1 }), { tx })).rejects.toThrow(/delivery_epoch/)
})

function deployedAs(options: HandlerOptions, events: Parameters<StoredEvents['busWith']>[1] = []): Bus {
  return stored.busWith([stored.noting('notes.take', options)], events)
}

async function working(bus: Bus) {
  const worker = bus.worker({ pollMs: 200 })
  workers.push(worker)
  await worker.start()
  return worker
}

async function changed(mode: 'job' | 'log'): Promise<void> {
  await until(
    `its events come as ${mode}`,
    async () => {
      const row = await rowOf()
      return row.mode === mode && row.phase === null
    },
    30_000,
  )
}

/** The next step of the change, if it can be taken. */
async function step(): Promise<string | null> {
  const { rows } = await stored.database.query<{ step: string | null }>(
    `select postbus.log_change('notes.take') as step`,
  )
  return rows[0]?.step ?? null
}

interface HandlerRow {
  readonly mode: string
  readonly wanted: string
  readonly phase: string | null
  readonly shards: number
  readonly floors: readonly string[] | null
}

async function rowOf(): Promise<HandlerRow> {
  const { rows } = await stored.database.query<HandlerRow>(
    `select * from postbus.log_handler where handler = 'notes.take'`,
  )
  return rows[0] as HandlerRow
}
