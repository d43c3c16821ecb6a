/** `bus.migrate()` brings any database to the state that the code needs, reports each step, and can be repeated. */
import { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus, type BusOptions } from '../../src/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { INDEX_STEPS, migrateTo, migrationSteps } from '../support/migrated-to.ts'
import { dumpSchema } from '../support/schema-dump.ts'
import { until } from '../support/until.ts'

const Paid = defineEvent('finances.paid', { schema: z.object({}), partitionKey: () => 'all' })
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
const mail = defineHandler('email.thank', { on: Paid, queue: 'mail', handle: () => undefined })

const ALL_STEPS = [
  'install pg-boss schema 43 in "pgboss"',
  ...migrationSteps('0001-events'),
  ...INDEX_STEPS,
  'install the functions of "postbus"',
  'create queue "events"',
  'create queue "events_partitioned"',
  'register 1 event type and 1 handler for SQL publishers',
]

let database: TestDatabase
let pool: Pool
const opened: Bus[] = []

beforeEach(async () => {
  database = await createDatabase()
  pool = new Pool({ connectionString: database.connectionString, max: 3 })
  pool.on('error', () => undefined)
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((bus) => bus.close()))
  await pool.end()
  await database.drop()
})

test('on an empty database it takes every step, and announces each one first', async () => {
  const announced: string[] = []

  const report = await busWith({ handlers: [book] }).migrate({ onStep: (step) => announced.push(step) })

  expect(report.steps).toEqual(ALL_STEPS)
  expect(announced).toEqual(ALL_STEPS)
  expect(await delivered()).toBe(1)
})

test('a second run has nothing to do, and changes nothing', async () => {
  await busWith({ handlers: [book] }).migrate()
  const before = await everything()

  const report = await busWith({ handlers: [book] }).migrate()

  expect(report.steps).toEqual([])
  expect(await everything()).toBe(before)
})

test('a dry run lists the steps of a migration and takes none', async () => {
  const announced: string[] = []
  const before = await everything()

  const report = await busWith({ handlers: [book] }).migrate({ dryRun: true, onStep: (step) => announced.push(step) })

  expect(report.steps).toEqual(ALL_STEPS)
  expect(announced).toEqual([])
  expect(await everything()).toBe(before)
  expect(before).not.toContain('postbus')
})

test('a handler with its own queue gets two queues, also when it is added later', async () => {
  await busWith({ handlers: [book] }).migrate()

  const dry = await busWith({ handlers: [book, mail] }).migrate({ dryRun: true })
  const real = await busWith({ handlers: [book, mail] }).migrate()

  expect(dry.steps).toEqual([
    'create queue "mail"',
    'create queue "mail_partitioned"',
    'register 1 event type and 2 handlers for SQL publishers',
  ])
  expect(real.steps).toEqual(dry.steps)
  expect(await queues()).toEqual([
    'events standard false',
    'events_partitioned singleton false',
    'mail standard false',
    'mail_partitioned singleton false',
  ])
})

test('an interrupted migration continues where it stopped', async () => {
  const bus = busWith({ handlers: [book] })
  await bus.migrate()
  const whole = await dumpSchema(pool)
  await pool.query('drop schema postbus cascade; drop schema pgboss cascade')
  await migrateTo(database.connectionString, '0006-pruning')

  const report = await bus.migrate()

  expect(report.steps).toEqual([
    ...migrationSteps('0007-history'),
    ...INDEX_STEPS,
    'install the functions of "postbus"',
    'create queue "events"',
    'create queue "events_partitioned"',
    'register 1 event type and 1 handler for SQL publishers',
  ])
  expect(await dumpSchema(pool)).toBe(whole)
})

test('a missing index of ours is created again', async () => {
  const bus = busWith({ handlers: [book] })
  await bus.migrate()
  const whole = await dumpSchema(pool)
  const { rows } = await pool.query<{ name: string }>(
    `select indexname as name from pg_indexes where schemaname = 'pgboss' and indexname like 'postbus\\_%'`,
  )
  for (const { name } of rows) await pool.query(`drop index pgboss."${name}"`)

  await bus.migrate()

  expect(rows).toHaveLength(5)
  expect(await dumpSchema(pool)).toBe(whole)
})

describe('a queue that another program created', () => {
  test.each([
    { name: 'events', options: { policy: 'singleton', partition: true }, says: 'policy "singleton"' },
    { name: 'events_partitioned', options: { policy: 'standard', partition: true }, says: 'policy "standard"' },
    { name: 'events', options: {}, says: 'options of its own' },
    { name: 'events', options: { partition: true }, says: 'a table of its own' },
  ] as const)('is refused if it is of the wrong kind: $name with $says', async ({ name, options, says }) => {
    const boss = new PgBoss({ connectionString: database.connectionString, supervise: false, schedule: false })
    await boss.start()
    await boss.createQueue(name, options)
    await boss.stop({ graceful: false })

    const refusal = await busWith({ handlers: [book] })
      .migrate()
      .catch((error: unknown) => error)

    expect(refusal).toMatchObject({ code: 'POSTBUS_QUEUE_MISMATCH' })
    expect(refusal).toHaveProperty('message', expect.stringContaining(`Queue "${name}" exists with`))
    expect(refusal).toHaveProperty('message', expect.stringContaining(says))
  })
})

test('both schemas can have other names', async () => {
  const options = { schema: 'our_events', pgbossSchema: 'our_jobs', handlers: [book] }
  const bus = busWith(options)

  const { steps } = await bus.migrate()
  await bus.publish(Paid({}))
  const counts = await bus.worker().drain()

  expect(steps).toEqual(
    ALL_STEPS.map((step) => step.replace('"pgboss"', '"our_jobs"').replace('"postbus"', '"our_events"')),
  )
  expect(counts.done).toBe(1)
  const { rows } = await pool.query<{ name: string }>(
    `select nspname as name from pg_namespace where nspname !~ '^pg_'`,
  )
  expect(rows.map(({ name }) => name).toSorted()).toEqual(['information_schema', 'our_events', 'our_jobs', 'public'])
  // The functions contain only the configured names.
  expect(await dumpSchema(pool, { postbus: 'our_events', pgboss: 'our_jobs' })).not.toMatch(
    /pgboss|postbus\.(?!published_by'|wake'|finished\.)/,
  )
})

test('workers of another schema listen on their own channel', async () => {
  const options = { schema: 'our_events', pgbossSchema: 'our_jobs' }
  const isDelivered = Promise.withResolvers<void>()
  const noting = defineHandler('finances.note', { on: Paid, handle: () => isDelivered.resolve() })
  const bus = busWith({ ...options, handlers: [noting] })
  await bus.migrate()
  const worker = bus.worker({ pollMs: 60_000 })
  await worker.start()
  await until('the worker listens', async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where query = 'listen "postbus_our_events"' and state = 'idle'`,
    )
    return rowCount === 1
  })

  await bus.publish(Paid({}))

  await isDelivered.promise // long before the next poll
  const { done } = await worker.stop().then(() => worker.counts())
  expect(done).toBe(1)
})

test('the longest allowed names fit into Postgres, including the channel and the indexes', async () => {
  const longest = 'n'.repeat(48)
  const queue = 'q'.repeat(52)
  const handler = defineHandler('finances.long', { on: Paid, queue, handle: () => undefined })
  const bus = busWith({ schema: longest, pgbossSchema: `p${longest.slice(1)}`, handlers: [handler] })

  await bus.migrate()
  await bus.publish(Paid({}))

  expect(await bus.worker().drain()).toMatchObject({ done: 1 })
})

test('pg-boss finds no drift in its own schema, with our indexes in it', async () => {
  await busWith({ handlers: [book, mail] }).migrate()
  const boss = new PgBoss({ connectionString: database.connectionString, supervise: false, schedule: false })
  await boss.start()

  const report = await boss.detectSchemaDrift()
  await boss.stop({ graceful: false })

  expect(report).toMatchObject({ ok: true })
})

function busWith(options: BusOptions): Bus {
  const bus = createBus({ connectionString: database.connectionString, onSignal: () => undefined, ...options })
  opened.push(bus)
  return bus
}

async function delivered(): Promise<number> {
  const bus = busWith({ handlers: [book] })
  await bus.publish(Paid({}))
  return (await bus.worker().drain()).done
}

async function queues(): Promise<string[]> {
  const { rows } = await pool.query<{ queue: string }>(
    `select name || ' ' || policy || ' ' || partition as queue from pgboss.queue order by 1`,
  )
  return rows.map(({ queue }) => queue)
}

/** Every object of the database's own schemas, and the contents of the version tables. */
async function everything(): Promise<string> {
  const { rows } = await pool.query<{ object: string }>(
    `select nspname || ' ' || relname as object from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`,
  )
  const schemas = await pool.query<{ name: string }>('select nspname as name from pg_namespace order by 1')
  return JSON.stringify([rows, schemas.rows, await dumpSchema(pool)])
}
