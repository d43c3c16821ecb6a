/**
 * `finish`: the events that are followed by another one when all handlers are through, and the deliveries that publish it. A row goes with
 * the settle that ends the last handler's delivery.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function finish(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`create table ${sql.table(`${names.postbus}.finish`)} (
        seq bigint primary key, finisher uuid not null, queue text not null
      )`.execute(db)
    },
  }
}
