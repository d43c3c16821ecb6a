/** A worker says how many handlers it runs at once in each of its queues. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function workerSlots(names: SchemaNames): Migration {
  return {
    async up(db) {
      // In the order of `queues`. Workers of the previous release leave it out.
      await sql`alter table ${sql.table(`${names.postbus}.worker`)} add column slots integer[]`.execute(db)
    },
  }
}
