/** F25, F26, F27: a server without a free connection, one without disk space, and one that is read-only for a while. */
import { randomBytes } from 'node:crypto'
import { Client, type PoolClient } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer, type EmbeddedServer } from '../support/embedded-server.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { ghosts, lost, needlessRepeats, overlaps } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'
import type { WorkerProcess } from '../support/worker-process.ts'
import { STEADY, TaskAdded } from './tasks.ts'

let server: EmbeddedServer
let stage: Stage
let worker: WorkerProcess
let admin: PoolClient
let published: string[]
const settledBefore = new Set<string>()

type AnyTask = ReturnType<typeof TaskAdded>

beforeAll(async () => {
  server = await startEmbeddedServer({ max_connections: '40' })
  stage = await openStage({ server: server.connectionString })
  admin = await stage.database.connect()
  worker = await stage.worker()
  await admin.query('create table orders (event_id text)')
})

beforeEach(async () => {
  published = []
  await admin.query('truncate orders')
})

afterEach(async () => {
  expect(await problems()).toEqual([])
})

afterAll(async () => {
  worker.kill('SIGTERM')
  expect(await worker.exited).toMatchObject({ code: 0 })
  admin.release()
  await stage.close()
  await server.remove()
})

test('F25: with all connections taken a running worker goes on, and one that is started waits for its own', async () => {
  published.push(...(await stage.publish({}, { key: 'red' })))
  await stage.settled(30_000)
  const taken = await takeAllConnections()
  const giveBack = () => Promise.all(taken.map((client) => client.end()))
  onTestFinished(() => giveBack().then(() => undefined))
  published.push(...(await stage.publish({}, { key: 'red' }, { key: 'red' }))) // on the bus's own connection
  await stage.settled(30_000)

  const starting = await stage.worker({ wait: false })
  await starting.signalled('database.unreachable')
  expect(starting.signalsNamed('worker.started')).toEqual([])
  await giveBack()
  await starting.signalled('worker.started')
}, 90_000)

test('F26: on a full disk a publish aborts its transaction and leaves nothing; workers go on when there is space', async () => {
  published.push(...(await stage.publish({ ms: 800 }, { key: 'red' })))
  await reached('start', 1)

  await fillDisk()
  await expect(publishInTransaction(TaskAdded({ key: 'red' }))).rejects.toMatchObject({ code: '53100' })
  await expect(stage.publish({})).rejects.toMatchObject({ code: '53100' })
  expect((await stage.database.query('select from orders')).rowCount).toBe(0)
  await reached('end', 2)
  await worker.signalled('settle.refused')
  await emptyDisk()

  await stage.settled(30_000)
  published.push(...(await publishInTransaction(TaskAdded({ key: 'red' }))))
  await stage.settled(30_000)
}, 90_000)

test('F26: a worker that finds the disk full says so, and handles what waits when there is space', async () => {
  const before = worker.signalsNamed('database.unreachable').length
  await fillDisk('update or delete')
  published.push(...(await stage.publish({}, { key: 'red' })))
  await worker.signalled('database.unreachable', before + 1)
  expect((await stage.deliveries()).filter(({ state }) => state === 'created')).toHaveLength(2)
  await emptyDisk()
  await stage.settled(30_000)
}, 90_000)

test.runIf(process.platform === 'linux')(
  'F26: where no file may grow, the same holds of the real error of the server',
  async () => {
    const large = () => TaskAdded({ for: randomBytes(60_000).toString('hex') })
    await server.limitFiles(17 * 1_048_576) // a segment of the server's log takes 16 MiB

    const committed: string[] = []
    const publishing = (async () => {
      for (;;) committed.push(...(await publishInTransaction(...Array.from({ length: 8 }, large))))
    })()
    await expect(publishing).rejects.toMatchObject({
      message: expect.stringMatching(/could not (extend|write)/) as unknown,
    })
    await server.limitFiles('unlimited')

    const orders = await ids('select event_id as id from orders')
    const events = await ids(`select id from postbus.event where length(payload::text) > 100_000`)
    expect([orders, events]).toEqual([committed, committed])
    committed.push(...(await publishInTransaction(large())))
    expect(await ids('select event_id as id from orders')).toEqual(committed)
  },
  90_000,
)

test('F27: a server that only reads for a while costs no worker its life, and nothing is lost', async () => {
  published.push(...(await stage.publish({ ms: 500 }, { ms: 500, key: 'red' }, { key: 'red' })))
  await reached('start', 1)

  await onlyReads('on')
  await expect(stage.publish({})).rejects.toMatchObject({ code: '25006' })
  await reached('end', 2)
  await admin.query('select pg_sleep(2)') // the fault itself
  await onlyReads('off')
  published.push(...(await stage.publish({ key: 'red' })))

  await stage.settled(30_000)
}, 90_000)

async function problems(): Promise<readonly string[]> {
  const trace = (await stage.trace.entries()).filter(({ eventId }) => !settledBefore.has(eventId))
  for (const { eventId } of trace) settledBefore.add(eventId)
  return [
    ...lost(published.map((eventId) => ({ handler: STEADY.name, eventId })), trace, await stage.dead()), // prettier-ignore
    ...needlessRepeats(trace),
    ...overlaps(trace),
    ...ghosts(trace, new Set(published)),
  ]
}

/** Waits until `count` of this test's events have reached this step. */
async function reached(wanted: 'start' | 'end', count: number): Promise<void> {
  await until(`${count} are at their ${wanted}`, async () => {
    const trace = await stage.trace.entries()
    return trace.filter(({ step, eventId }) => step === wanted && published.includes(eventId)).length >= count
  })
}

async function ids(statement: string): Promise<readonly string[]> {
  return (await admin.query<{ id: string }>(`${statement} order by 1`)).rows.map(({ id }) => id)
}

/** Publishes as an application does: rolls back when something fails. */
async function publishInTransaction(...tasks: readonly AnyTask[]): Promise<readonly string[]> {
  const tx = await stage.database.connect()
  try {
    await tx.query('begin')
    await tx.query('insert into orders select unnest($1::text[])', [tasks.map(({ id }) => id)])
    await stage.bus.publish(tasks, { tx })
    await tx.query('commit')
    return tasks.map(({ id }) => id)
  } catch (error) {
    await tx.query('rollback')
    throw error
  } finally {
    tx.release()
  }
}

async function takeAllConnections(): Promise<readonly Client[]> {
  const taken: Client[] = []
  let refused: unknown
  while (refused === undefined) {
    const client = new Client({ connectionString: server.connectionString })
    client.on('error', () => undefined)
    refused = await client.connect().then(
      () => undefined,
      (error: unknown) => error,
    )
    taken.push(client)
  }
  expect(refused).toMatchObject({ code: '53300' })
  return taken
}

const FILLED = ['postbus.event', 'pgboss.job']

/** Makes every write to the tables fail as on a full disk. */
async function fillDisk(what = 'insert or update or delete'): Promise<void> {
  await admin.query(`create or replace function disk_is_full() returns trigger language plpgsql as $$ begin
    raise exception using errcode = '53100', message = 'could not extend file: No space left on device';
  end $$`)
  for (const table of FILLED) {
    await admin.query(`create trigger full_disk before ${what} on ${table}
      for each row execute function disk_is_full()`)
  }
}

async function emptyDisk(): Promise<void> {
  for (const table of FILLED) await admin.query(`drop trigger full_disk on ${table}`)
}

async function onlyReads(value: 'on' | 'off'): Promise<void> {
  await admin.query(`alter system set default_transaction_read_only = ${value}`)
  await admin.query('select pg_reload_conf()')
  await until(`the server ${value === 'on' ? 'only reads' : 'writes again'}`, async () => {
    const { rows } = await stage.database.query<{ value: string }>(
      `select current_setting('default_transaction_read_only') as value`,
    )
    return rows[0]?.value === value
  })
}
