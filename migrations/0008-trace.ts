/** Which handler published an event, and when the work began that led to it. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function trace(names: SchemaNames): Migration {
  const event = sql.table(`${names.postbus}.event`)
  return {
    async up(db) {
      // Columns without a default are added in a moment, whatever the table holds.
      await sql`alter table ${event} add column caused_by_handler text, add column initialized_at timestamptz`.execute(
        db,
      )
    },
  }
}
