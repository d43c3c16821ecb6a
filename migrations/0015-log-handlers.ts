/**
 * Handlers that read the log. `log_cursor`: how far each part of a handler's keys has come, and which worker reads it now. `log_reader`: the
 * workers that read. `log_handler`: how many parts there are, and up to where its events are from before it was there.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function logHandlers(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('log_handler')} (
        handler text primary key,
        id uuid not null default gen_random_uuid(),
        shards smallint not null,
        history_to bigint not null,
        began_at timestamptz not null default clock_timestamp(),
        is_forgotten boolean not null default false
      )`.execute(db)

      await sql`create table ${ours('log_cursor')} (
        handler text not null,
        shard smallint not null,
        position bigint not null,
        owner uuid,
        fence bigint not null default 0,
        deaths smallint not null default 0,
        moved_at timestamptz not null default clock_timestamp(),
        primary key (handler, shard)
      ) with (fillfactor = 40)`.execute(db)

      await sql`create table ${ours('log_reader')} (
        id uuid primary key,
        beat bigint not null default 0,
        handlers text[] not null,
        seen_at timestamptz not null default clock_timestamp()
      ) with (fillfactor = 40)`.execute(db)
    },
  }
}
