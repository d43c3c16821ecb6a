/** Where the sweep that repairs lanes has got to, a row per partitioned queue. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function laneSweeps(names: SchemaNames): Migration {
  return {
    async up(db) {
      await sql`
        create table ${sql.table(`${names.postbus}.lane_sweep`)} (
          queue text primary key,
          after_lane text not null default '',
          swept_at timestamptz not null default now()
        )`.execute(db)
    },
  }
}
