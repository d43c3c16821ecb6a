/**
 * What operators do, and what it needs.
 *
 * - `act`: who did what, when, to how many;
 * - `pause`: the handlers, queues and lanes of which nothing is claimed;
 * - `event.redacted`: its data was erased, and what becomes of a delivery that waited for it;
 * - how far pruning has come with events that have expired.
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
      await sql`create table ${ours('pause')} (
        kind text not null check (kind in ('handler', 'queue', 'lane')),
        name text not null,
        by text,
        reason text,
        paused_at timestamptz not null default clock_timestamp(),
        until timestamptz not null default 'infinity',
        primary key (kind, name)
      )`.execute(db)
      // Columns without a default, or with a constant one, are added in a moment, however much the table holds.
      await sql`alter table ${ours('event')} add column redacted text`.execute(db)
      await sql`alter table ${ours('pruning')} add column expired_at timestamptz not null default '-infinity',
        add column expired_seq bigint not null default 0`.execute(db)
    },
  }
}
