/** Migrating a database from before the history: each delivery is kept in its new form and continues from its old state. */
import { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBus, defineHandler, type Bus } from '../../src/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { EVERY_DELIVERY } from '../support/every-delivery.ts'
import { INDEX_STEPS, migrateTo, migrationSteps } from '../support/migrated-to.ts'
import { NoteTaken } from '../support/notes.ts'

let database: TestDatabase
let pool: Pool
let bus: Bus
const handled: string[] = []

beforeEach(async () => {
  handled.length = 0
  database = await createDatabase()
  pool = new Pool({ connectionString: database.connectionString, max: 3 })
  pool.on('error', () => undefined)
  const take = defineHandler('notes.take', {
    on: NoteTaken,
    handle: ({ data }) => void handled.push(`${data.key} ${data.n}`),
  })
  bus = createBus({ connectionString: database.connectionString, handlers: [take], onSignal: () => undefined })
})

afterEach(async () => {
  await bus.close()
  await pool.end()
  await database.drop()
})

test('done deliveries become history, dead ones become dead letters, and the others go on in order', async () => {
  await migrateTo(database.connectionString, '0006-pruning')
  await createOldQueues()
  const notes = [null, 'red'].flatMap((key) => [1, 2, 3, 4].map((n) => NoteTaken({ key, n })))
  await bus.publish(notes)
  await set(
    1,
    `state = 'completed', started_on = now() - interval '2 s', completed_on = now() - interval '1 s', retry_count = 2,
    output = '[{"attempt": 1, "message": "no"}]'`,
  )
  await set(2, `state = 'active', started_on = now(), heartbeat_on = now() - interval '1 h'`)
  await set(3, `state = 'failed', completed_on = now()`)
  await pool.query(`insert into postbus.dead_letter (delivery_id, queue, handler, event_id, reason)
    select id, name, data ->> 'handler', (data ->> 'event')::uuid, 'it was too much' from pgboss.job where state = 'failed'`)

  const { steps } = await bus.migrate()

  expect(steps).toEqual([
    ...migrationSteps('0007-history'),
    ...INDEX_STEPS,
    'install the functions of "postbus"',
    'move queue "events" to the table that queues share',
    'move queue "events_partitioned" to the table that queues share',
    'register 1 event type and 1 handler for SQL publishers',
  ])
  expect(await states()).toEqual([
    'completed',
    'active',
    'failed',
    'created',
    'completed',
    'active',
    'failed',
    'created',
  ])
  const before = { attempts: 3, took_ms: 1_000, message: 'no' }
  expect(await history()).toEqual([before, before])
  expect(await bus.deadLetters.count()).toBe(2)

  const worker = bus.worker()
  await worker.start()
  await expect.poll(() => handled.length, { timeout: 20_000 }).toBe(4)
  await worker.stop()
  expect(handled.filter((one) => one.startsWith('red'))).toEqual(['red 2', 'red 4'])
  expect((await bus.migrate()).steps).toEqual([])
})

/** The queues as the release before that migration left them. */
async function createOldQueues(): Promise<void> {
  const boss = aBoss()
  await boss.start()
  for (const name of ['events', 'events_partitioned']) {
    const policy = name === 'events' ? 'standard' : 'singleton'
    await boss.createQueue(name, { policy, partition: true, retryLimit: 1_000_000, heartbeatSeconds: 10 })
    const { rows } = await pool.query<{ table: string }>(
      `select table_name as table from pgboss.queue where name = '${name}'`,
    )
    await pool.query(`comment on table pgboss.${rows[0]?.table} is 'deliveries of postbus schema postbus, functions 1'`)
  }
  await boss.stop({ close: false, graceful: false })
}

function aBoss(): PgBoss {
  const executeSql = (text: string, values?: unknown[]) => pool.query(text, values)
  return new PgBoss({ db: { executeSql }, schema: 'pgboss', supervise: false, schedule: false })
}

/** Updates the deliveries of the events with this number, in both queues. */
async function set(n: number, to: string): Promise<void> {
  await pool.query(
    `update pgboss.job set ${to} where (data ->> 'event')::uuid in
      (select id from postbus.event where (payload -> 'json' ->> 'n')::integer = $1)`,
    [n],
  )
}

async function states(): Promise<readonly string[]> {
  const { rows } = await pool.query<{ state: string }>(`select state from ${EVERY_DELIVERY} job order by id`)
  return rows.map(({ state }) => state)
}

async function history() {
  const { rows } = await pool.query(
    `select attempts, took_ms, detail -> 'errors' -> 0 ->> 'message' as message from postbus.history`,
  )
  return rows
}
