/**
 * Tables for the streams of an engine. `log_stream`: which worker fills each stream, and up to which event. `log_erasure`: events that an operator has
 * erased and that a stream may still contain.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function logEngine(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('log_stream')} (
        stream text primary key,
        id uuid not null default gen_random_uuid(),
        owner uuid,
        beat bigint not null default 0,
        life uuid,
        position bigint,
        seen_at timestamptz not null default clock_timestamp()
      ) with (fillfactor = 40)`.execute(db)

      await sql`create table ${ours('log_erasure')} (
        stream text not null references ${ours('log_stream')} on delete cascade,
        seq bigint not null,
        primary key (stream, seq)
      )`.execute(db)
    },
  }
}
