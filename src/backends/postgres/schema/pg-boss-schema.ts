/** Lets pg-boss install and migrate its own schema, and builds the indexes that pg-boss has put off. */
import type { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import type { Queryable } from '../connection.ts'
import { untilLocked } from './lock-waits.ts'
import type { Tables } from './tables.ts'

/** pg-boss's own lock timeout: pg-boss would wait for half a minute, and all publishers would wait behind it. */
const ITS_LOCK_TIMEOUT = /SET LOCAL lock_timeout = \d+/
const OUR_LOCK_TIMEOUT = 'SET LOCAL lock_timeout = 1000; SET LOCAL search_path = pg_catalog, pg_temp'

/** Starts pg-boss, which then migrates its schema in one transaction. Our own schema comes later, because `publish` names its tables. */
export async function migratePgBoss(
  pool: Pool,
  tables: Tables,
  { found, expected }: { readonly found: number | null; readonly expected: number },
): Promise<void> {
  if (found !== null && found >= expected) return
  await untilLocked("migrate pg-boss's schema", () => withPgBoss(pool, tables, async () => undefined))
}

/** Runs `work` with a started pg-boss: its schema then has the version that it needs, or a newer one. */
export async function withPgBoss(pool: Pool, tables: Tables, work: (boss: PgBoss) => Promise<void>): Promise<void> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text.replace(ITS_LOCK_TIMEOUT, OUR_LOCK_TIMEOUT), values) },
    schema: tables.names.pgboss,
    createSchema: !(await hasSchema(pool, tables.names.pgboss)),
    supervise: false,
    schedule: false,
  })
  boss.on('error', () => undefined) // the call that fails throws the error
  await boss.start()
  try {
    await work(boss)
  } finally {
    await boss.stop({ close: false, graceful: false })
  }
}

/** Asked first, because `create schema if not exists` needs the right to create schemas even if there is nothing to create. */
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

/** SQL, by pg-boss's own rule: a command is in progress for five minutes after its start, and for as long as an index is built on its table. */
const IS_BEING_DONE = `status = 'in_progress' and (started_on > now() - interval '5 minutes' or exists (
      select from pg_locks where locktype = 'relation' and mode = 'ShareUpdateExclusiveLock' and granted
        and database = (select oid from pg_database where datname = current_database())
        and relation = to_regclass(format('%I.%I', $1::text, table_name))
    ))`

/** The commands that pg-boss has put off and not done yet. Empty while another pg-boss works on them, or if the schema is too old to have any. */
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
 * Runs the commands that pg-boss has put off. A pg-boss of the application would run them within minutes, but there may be none. Each
 * command is marked in pg-boss's own table as pg-boss marks it, so none runs twice. These builds do not block writers.
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

/** Drops the invalid index that an interrupted build has left. Without that, the next build would take it for the real one. */
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
