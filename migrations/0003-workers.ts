/** The table of worker processes: who is alive, and which handlers they know. For people and `doctor`, not for claims. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function workers(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`
        create table ${sql.table(`${names.postbus}.worker`)} (
          id uuid primary key,
          host text not null,
          pid integer not null,
          queues text[] not null,
          handlers text[] not null,
          started_at timestamptz not null default now(),
          seen_at timestamptz not null default now()
        )`.execute(db)
    },
  }
}
