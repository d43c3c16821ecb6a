/** Drops the demo's three schemas, and allows only one demo at a time in a database. */
import { Client } from 'pg'
import { SHOP_SCHEMA } from '../database.ts'
import { BUS_SCHEMAS } from '../postbus.config.ts'
import { Stopped } from './stopped.ts'

/** All schemas that the demo uses. */
export const DEMO_SCHEMAS = [SHOP_SCHEMA, BUS_SCHEMAS.schema, BUS_SCHEMAS.pgbossSchema] as const

export interface DemoLock {
  release(): Promise<void>
}

/** Drops the demo's schemas. A separate connection holds the lock: the lock ends with this process, however the process ends. */
export async function freshSchemas(connectionString: string): Promise<DemoLock> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000, application_name: 'shop demo' })
  client.on('error', () => undefined) // the next statement reports the problem
  await client.connect()
  try {
    await lock(client)
    await client.query(`set lock_timeout to '10s'; drop schema if exists ${DEMO_SCHEMAS.join(', ')} cascade`)
  } catch (error) {
    await client.end()
    throw error
  }
  return { release: () => client.end() }
}

async function lock(client: Client): Promise<void> {
  const { rows } = await client.query<{ ours: boolean }>(
    `select pg_try_advisory_lock(hashtextextended('shop demo', 0)) as ours`,
  )
  if (rows[0]?.ours) return
  throw new Stopped('Another demo is running in this database. Wait for it to end, or stop it with Ctrl-C.')
}
