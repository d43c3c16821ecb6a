/** `event.retained_until`: when an event may go whose type has a retention of its own. Null for the others. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function retention(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`alter table ${sql.table(`${names.postbus}.event`)} add column retained_until timestamptz`.execute(db)
    },
  }
}
