/** The settings that the sessions of a pool were given, and the heartbeat of the running delivery. */
import type { Pool } from 'pg'

export async function settingsOf(pool: Pool): Promise<readonly object[]> {
  const { rows } = await pool.query<object>(
    `select name, setting from pg_settings where source = 'session' order by name`,
  )
  return rows
}

export async function heartbeat(database: Pool): Promise<string | null> {
  const { rows } = await database.query<{ at: string }>(
    `select heartbeat_on::text as at from pgboss.job where state = 'active'`,
  )
  return rows[0]?.at ?? null
}
