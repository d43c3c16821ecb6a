/** How fast limited handlers go: when the next attempt may begin (`rateLimit`), and when attempts failed lately (`circuitBreaker`). */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function pace(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('pace')} (
        handler text primary key,
        next_at timestamptz not null default '-infinity',
        failed_at timestamptz[] not null default '{}'
      ) with (fillfactor = 40)`.execute(db)
    },
  }
}
