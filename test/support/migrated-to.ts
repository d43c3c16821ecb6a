/** A database as an earlier release has left it: pg-boss's schema, and our migrations up to one of them. */
import { Kysely, PostgresDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { migrations } from '../../migrations/index.ts'

const all = migrations({ postbus: 'postbus', pgboss: 'pgboss' })

/** The steps of a migration that runs our migrations from this one on. */
export function migrationSteps(from: string): readonly string[] {
  const names = Object.keys(all)
  return names.slice(names.indexOf(from)).map((name) => `run migration ${name} in "postbus"`)
}

export async function migrateTo(connectionString: string, name: string): Promise<void> {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false })
  await boss.start()
  await boss.stop({ close: true, graceful: false })
  const pool = new Pool({ connectionString })
  await pool.query('create schema postbus')
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: async () => all },
    migrationTableName: 'migration',
    migrationLockTableName: 'migration_lock',
    migrationTableSchema: 'postbus',
  })
  const { error } = await migrator.migrateTo(name)
  await kysely.destroy()
  if (error) throw error
}

/** The steps that `migrate` reports for the indexes that it builds in a new database. */
export const INDEX_STEPS: readonly string[] = [
  'fresh',
  'returning',
  'active',
  'lane',
  'set_aside',
  'expires',
  'retained',
].map((name) => `build index "postbus_${name}"`)
