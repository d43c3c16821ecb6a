/** `event.due_at`: when an event is to be delivered that was published for later; `infinity`: it was cancelled before. Null for the others. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function onTime(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`alter table ${sql.table(`${names.postbus}.event`)} add column due_at timestamptz`.execute(db)
    },
  }
}
