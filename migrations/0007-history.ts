/**
 * What is done leaves the table of deliveries: the history, a ring of tables, one of which has its turn (see
 * `functions/history.ts`). And what goes with that:
 *
 * - `handler`: the small number of each handler's name in the history;
 * - `queue`: which of pg-boss's queues hold our deliveries, all of them in one table of pg-boss's now;
 * - `server_life`: unlogged, so a crash of the server empties it, and tells claims that what they knew is gone;
 * - one place for the sweep of all lanes instead of one per queue;
 * - an operator dismisses a dead letter; to discard is a handler's word;
 * - how the common table is vacuumed: it is small and changes all the time, so vacuum must not wait for a share of it.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

const TABLES = 16

export function history(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  const deliveries = sql.table(`${names.pgboss}.job_common`)
  return {
    async up(db) {
      await sql`create table ${ours('handler')} (
        number smallint generated always as identity primary key, name text not null unique
      )`.execute(db)

      // Eight columns, the nullable ones last: 52 bytes for what went well at the first attempt. Outcome: null is done.
      await sql`create table ${ours('history')} (
        seq bigint not null,
        ended_at timestamptz not null,
        took_ms integer not null,
        turn smallint not null,
        handler smallint not null,
        attempts smallint,
        outcome text,
        detail jsonb
      ) partition by list (turn)`.execute(db)
      for (let number = 0; number < TABLES; number += 1) {
        const table = ours(`history_${number}`)
        await sql`create table ${table} partition of ${ours('history')} for values in (${sql.lit(number)})`.execute(db)
      }
      await sql`create index history_seq on ${ours('history')} (seq)`.execute(db)
      await sql`create table ${ours('history_turn')} (
        only_one boolean primary key default true check (only_one),
        number smallint not null default 0,
        began_at timestamptz not null default now()
      )`.execute(db)
      await sql`insert into ${ours('history_turn')} default values`.execute(db)
      await sql`create table ${ours('history_table')} (
        number smallint primary key,
        is_empty boolean not null default true,
        ended_at timestamptz,
        last_seq bigint not null default 0,
        moved_to bigint not null default 0
      )`.execute(db)
      await sql`insert into ${ours('history_table')} (number) select generate_series(0, ${sql.lit(TABLES - 1)})`.execute(
        db,
      )

      await sql`create table ${ours('queue')} (name text primary key)`.execute(db)
      await sql`comment on table ${ours('queue')} is ${sql.lit(`queues of Postbus in pg-boss schema ${names.pgboss}`)}`.execute(
        db,
      )
      await sql`create unlogged table ${ours('server_life')} (
        only_one boolean primary key default true check (only_one),
        id uuid not null default gen_random_uuid()
      )`.execute(db)

      await sql`drop table ${ours('lane_sweep')}`.execute(db)
      await sql`create table ${ours('lane_sweep')} (
        only_one boolean primary key default true check (only_one),
        after_queue integer not null default -2147483648,
        after_lane text not null default '',
        swept_at timestamptz not null default now()
      )`.execute(db)
      await sql`insert into ${ours('lane_sweep')} default values`.execute(db)

      await sql`alter table ${ours('dead_letter')} rename discarded_at to dismissed_at`.execute(db)

      await sql`alter table ${deliveries} set (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000, vacuum_truncate = off
      )`.execute(db)
    },
  }
}
