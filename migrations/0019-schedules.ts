/** `schedule`: up to which tick each schedule's events are published, and by which pattern. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function schedules(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`create table ${sql.table(`${names.postbus}.schedule`)} (
        name text primary key,
        cron text not null,
        time_zone text not null,
        position timestamptz not null,
        last_tick_at timestamptz
      )`.execute(db)
    },
  }
}
