/** Databases that a migration cannot use, or that are in an unusual state: each error says how to fix it. */
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBus, type Bus } from '../../src/index.ts'
import { openTestBus } from '../support/bus.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { postbus } from '../support/cli.ts'

let database: TestDatabase
let client: Client
let bus: Bus

beforeEach(async () => {
  database = await createDatabase()
  client = new Client({ connectionString: database.connectionString })
  await client.connect()
  bus = createBus({ connectionString: database.connectionString, onSignal: () => undefined })
})

afterEach(async () => {
  await bus.close()
  await client.end()
  await database.drop()
})

test.each(['LATIN1', 'SQL_ASCII'])(
  'a database with the encoding %s is refused before anything is created',
  async (encoding) => {
    await client.query(
      `create database "${database.name}_old" encoding '${encoding}' locale_provider libc locale 'C' template template0`,
    )
    const url = new URL(database.connectionString)
    url.pathname += '_old'
    const old = createBus({ connectionString: url.href, onSignal: () => undefined })

    for (const use of [() => old.migrate(), () => old.migrate({ dryRun: true }), () => old.ready()]) {
      await expect(use()).rejects.toMatchObject({
        code: 'POSTBUS_DATABASE_ENCODING',
        message: expect.stringContaining(`has the encoding ${encoding}, expected UTF8`) as unknown,
      })
    }
    expect(await old.doctor()).toContainEqual(
      expect.objectContaining({
        check: 'schema',
        status: 'problem',
        message: expect.stringContaining('UTF8') as unknown,
      }),
    )
    await old.close()
    await client.query(`drop database "${database.name}_old" with (force)`)
  },
)

test('a schema of pg-boss 10 is refused and not changed, and the error says what to do instead', async () => {
  await client.query(`
    create schema pgboss; create table pgboss.version (version integer primary key, maintained_on timestamptz, cron_on timestamptz);
    insert into pgboss.version values (24); create table pgboss.queue (name text primary key, policy text)`)
  const message = expect.stringContaining('was made by pg-boss 10 or older (its version is 24)') as unknown

  for (const use of [() => bus.migrate(), () => bus.migrate({ dryRun: true }), () => bus.ready()]) {
    await expect(use()).rejects.toMatchObject({ code: 'POSTBUS_PGBOSS_TOO_OLD', message })
  }
  expect(await bus.doctor()).toContainEqual({ check: 'schema', status: 'problem', message })
  expect((await postbus(database.connectionString, ['doctor'])).code).toBe(3)
  const { rows } = await client.query(`select from pg_namespace where nspname = 'postbus'`)
  expect(rows).toEqual([])
})

test('another pgbossSchema is installed next to one that is too old', async () => {
  await client.query(
    `create schema pgboss; create table pgboss.version (version integer); insert into pgboss.version values (20)`,
  )
  const beside = createBus({
    connectionString: database.connectionString,
    pgbossSchema: 'pgboss_events',
    onSignal: () => undefined,
  })

  await beside.migrate()

  await expect(beside.ready()).resolves.toBeUndefined()
  await beside.close()
})

test.each(['pending', 'failed', 'in_progress'])(
  'migrate builds an index that pg-boss has deferred and that is %s',
  async (status) => {
    const shop = await openTestBus()
    const command = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS job_common_i99 ON pgboss.job_common (priority)'
    await shop.database.query(
      `insert into pgboss.bam (name, version, status, table_name, command, started_on)
      values ('job_i99', 43, $1, 'job_common', $2, now() - interval '1 hour')`,
      [status, command],
    )
    if (status !== 'pending') await leaveInvalidIndex(shop.connectionString)

    const findings = await shop.bus.doctor()
    const dry = await shop.bus.migrate({ dryRun: true })
    const real = await shop.bus.migrate()

    expect(findings).toContainEqual({
      check: 'schema',
      status: 'warning',
      message: expect.stringContaining('pg-boss has put off "job_i99"') as unknown,
    })
    expect(dry.steps).toEqual(['do what pg-boss has put off: "job_i99"'])
    expect(real.steps).toEqual(dry.steps)
    const { rows } = await shop.database.query(
      `select status, error, (select indisvalid from pg_index where indexrelid = 'pgboss.job_common_i99'::regclass) as valid
    from pgboss.bam where name = 'job_i99'`,
    )
    expect(rows).toEqual([{ status: 'completed', error: null, valid: true }])
    expect((await shop.bus.migrate()).steps).toEqual([])
    await shop.close()
  },
)

test('migrate does not touch an index that another pg-boss is building', async () => {
  const shop = await openTestBus()
  await shop.database.query(`
    insert into pgboss.bam (name, version, status, table_name, command, started_on)
    values ('job_i98', 43, 'in_progress', 'job_common', 'select 1', now()), ('job_i99', 43, 'pending', 'job_common', 'select 1', null)`)

  expect((await shop.bus.migrate()).steps).toEqual([])

  await shop.close()
})

/** Leaves the index in the state in which an interrupted build leaves it. */
async function leaveInvalidIndex(connectionString: string): Promise<void> {
  const operator = new Client({ connectionString })
  await operator.connect()
  await operator.query('create index job_common_i99 on pgboss.job_common (priority)')
  await operator.query(`update pg_index set indisvalid = false where indexrelid = 'pgboss.job_common_i99'::regclass`)
  await operator.end()
}
