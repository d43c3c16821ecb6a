/**
 * What operators do:
 *
 * - `act`: who did what, when, to how many.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function acts(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('act')} (
        id bigint generated always as identity primary key,
        act text not null,
        filter jsonb not null,
        by text,
        reason text,
        count bigint not null default 0,
        began_at timestamptz not null default clock_timestamp(),
        ended_at timestamptz not null default clock_timestamp()
      )`.execute(db)
    },
  }
}
