/** Checks that pg-boss's own schema is as pg-boss expects it. Settings of the database do not count as a difference. */
import { PgBoss } from 'pg-boss'
import type { Connection, Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** Returns what is missing or altered in pg-boss's own schema; `null`: nothing. Additional indexes, such as ours, do not count. */
export async function driftOf(connection: Connection, tables: Tables): Promise<string | null> {
  const client = await connection.dedicated()
  try {
    await client.query('begin read only')
    await client.query(AS_PGBOSS_EXPECTS)
    return await driftSeenBy(client, tables)
  } finally {
    await client.end()
  }
}

/** pg-boss compares definitions as text, and settings of a database or a role can change that text. */
const AS_PGBOSS_EXPECTS = `
  set local quote_all_identifiers = off; set local search_path = public; set local standard_conforming_strings = on;
  set local DateStyle = 'ISO, MDY'; set local IntervalStyle = postgres; set local TimeZone = 'UTC';
  set local extra_float_digits = 1; set local bytea_output = hex`

async function driftSeenBy(database: Queryable, tables: Tables): Promise<string | null> {
  const executeSql = (text: string, values?: unknown[]) => database.query(text, values)
  const boss = new PgBoss({
    db: { executeSql },
    schema: tables.names.pgboss,
    supervise: false,
    schedule: false,
    migrate: false,
  })
  boss.on('error', () => undefined)
  const report = await boss.detectSchemaDrift()
  if (report.ok) return null
  const parts = Object.entries(report).filter(
    ([name, value]) => name !== 'extraIndexes' && Array.isArray(value) && value.length > 0,
  )
  return parts.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ') || 'see pg-boss'
}
