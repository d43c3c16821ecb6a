/**
 * Replays and backfills: stored events that go to one handler again, or to a new one for the first time. Each remembers how far in the log
 * it has come, so that another process can go on.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function replays(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('replay')} (
        id uuid primary key default gen_random_uuid(),
        handler text not null,
        query jsonb not null,
        state text not null default 'running',
        after_seq bigint not null default 0,
        to_seq bigint not null,
        matching bigint not null,
        examined bigint not null default 0,
        replayed bigint not null default 0,
        retried bigint not null default 0,
        skipped bigint not null default 0,
        runner uuid not null,
        by text,
        reason text,
        began_at timestamptz not null default now(),
        moved_at timestamptz not null default now(),
        ended_at timestamptz
      )`.execute(db)

      await sql`create table ${ours('backfill')} (
        handler text primary key,
        id uuid not null default gen_random_uuid(),
        since timestamptz not null,
        state text not null default 'history',
        after_seq bigint not null default 0,
        released_seq bigint not null default 0,
        delivered bigint not null default 0,
        runner uuid,
        leased_until timestamptz not null default '-infinity',
        began_at timestamptz not null default now(),
        missed_at timestamptz,
        ended_at timestamptz
      )`.execute(db)
    },
  }
}
