/** `broadcast`: the broadcasts that are too long for a notification, for as long as listeners may come to read them. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function broadcasts(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`create table ${sql.table(`${names.postbus}.broadcast`)} (
        id bigint generated always as identity primary key,
        message text not null,
        sent_at timestamptz not null default clock_timestamp()
      )`.execute(db)
    },
  }
}
