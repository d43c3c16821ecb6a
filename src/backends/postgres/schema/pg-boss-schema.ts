/** pg-boss's own schema: it is installed and migrated by pg-boss, which puts the building of some indexes off. */
import type { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import type { Queryable } from '../connection.ts'
import { untilLocked } from './lock-waits.ts'
import type { Tables } from './tables.ts'

/** pg-boss would wait for half a minute, and all publishers behind it. */
const ITS_LOCK_TIMEOUT = /SET LOCAL lock_timeout = \d+/
const OUR_LOCK_TIMEOUT = 'SET LOCAL lock_timeout = 1000; SET LOCAL search_path = pg_catalog, pg_temp'

/** pg-boss migrates its schema when it starts, in one transaction. Ours comes after it, because `publish` names its tables. */
export async function migratePgBoss(
  pool: Pool,
  tables: Tables,
  { found, expected }: { readonly found: number | null; readonly expected: number },
): Promise<void> {
  if (found !== null && found >= expected) return
  await untilLocked("migrate pg-boss's schema", () => withPgBoss(pool, tables, async () => undefined))
}

/** Runs `work` with a pg-boss that has its schema, or a newer one. */
export async function withPgBoss(pool: Pool, tables: Tables, work: (boss: PgBoss) => Promise<void>): Promise<void> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text.replace(ITS_LOCK_TIMEOUT, OUR_LOCK_TIMEOUT), values) },
    schema: tables.names.pgboss,
    createSchema: !(await hasSchema(pool, tables.names.pgboss)),
    supervise: false,
    schedule: false,
  })
  boss.on('error', () => undefined) // what fails is thrown by the call that failed
  await boss.start()
  try {
    await work(boss)
  } finally {
    await boss.stop({ close: false, graceful: false })
  }
}

/** `create schema if not exists` asks for the right to create schemas, also where there is nothing to create. */
export async function hasSchema(database: Queryable, name: string): Promise<boolean> {
  const { rows } = await database.query('select from pg_namespace where nspname = $1', [name])
  return rows.length > 0
}

interface PutOff {
  readonly id: string
  readonly name: string
  readonly command: string
  readonly status: string
  readonly startedOn: string | null
}

/** As pg-boss sees it: a command that was begun is being done, unless that is long ago and no one builds on its table. */
const IS_BEING_DONE = `status = 'in_progress' and (started_on > now() - interval '5 minutes' or exists (
      select from pg_locks where locktype = 'relation' and mode = 'ShareUpdateExclusiveLock' and granted
        and database = (select oid from pg_database where datname = current_database())
        and relation = to_regclass(format('%I.%I', $1::text, table_name))
    ))`

/** What pg-boss has put off and not done. Empty where another pg-boss is at it, or on a schema too old to have any. */
export async function putOff(database: Queryable, { names }: Tables): Promise<readonly PutOff[]> {
  const bam = `"${names.pgboss}".bam`
  const { rows: found } = await database.query<{ isThere: boolean }>(
    `select to_regclass($1) is not null as "isThere"`,
    [bam],
  )
  if (!found[0]?.isThere) return []
  const { rows } = await database.query<PutOff>(
    `select id, name, command, status, started_on::text as "startedOn" from ${bam}
    where status <> 'completed' and not exists (select from ${bam} where ${IS_BEING_DONE})
    order by created_on, id`,
    [names.pgboss],
  )
  return rows
}

/**
 * Does what pg-boss has put off: a pg-boss of the application would do it within minutes, but there may be none. Each is marked in
 * pg-boss's own table as it would mark it, so none is done twice. These builds let everyone go on writing.
 */
export async function buildPutOffIndexes(pool: Pool, tables: Tables): Promise<void> {
  const bam = `"${tables.names.pgboss}".bam`
  for (const { id, command, status, startedOn } of await putOff(pool, tables)) {
    const { rowCount } = await pool.query(
      `update ${bam} set status = 'in_progress', started_on = now()
      where id = $1 and status = $2 and started_on is not distinct from $3::timestamptz`,
      [id, status, startedOn],
    )
    if (rowCount === 0) continue
    try {
      await dropInvalid(pool, tables, command)
      await pool.query(command)
    } catch (error) {
      await pool.query(`update ${bam} set status = 'failed', completed_on = now(), error = $2 where id = $1`, [
        id,
        String(error),
      ])
      throw error
    }
    await pool.query(`update ${bam} set status = 'completed', completed_on = now(), error = null where id = $1`, [id])
  }
}

/** An interrupted build leaves an index that is of no use, and that the next one would take for the real one. */
async function dropInvalid(pool: Pool, { names }: Tables, command: string): Promise<void> {
  const [, index] =
    /create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?"?([\w$]+)"?/i.exec(command) ?? []
  if (index === undefined) return
  const { rows } = await pool.query(
    `select from pg_index where indexrelid = to_regclass(format('%I.%I', $1::text, $2::text)) and not indisvalid`,
    [names.pgboss, index],
  )
  if (rows.length > 0) await pool.query(`drop index concurrently "${names.pgboss}"."${index}"`)
}
