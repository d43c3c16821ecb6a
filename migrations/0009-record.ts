/**
 * What looking at the record of events needs. Publishing writes none of it: workers do, behind it.
 *
 * - `lookup`: one row per event with what events are looked up by, as numbers and hashes. Behind `indexed_to` of `log_place`,
 *   there is one for each event; before it, the log itself is read. No place: nothing is indexed.
 * - `log_chunk`: between which times a stretch of the log was published.
 * - `event_type`: the small number of each event type's name.
 * - `watch`: the events whose end a process waits for. Unlogged: a wait does not outlive the server.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

const LOOKED_UP_BY = ['type', 'partition_key', 'correlation', 'causation']

export function record(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('event_type')} (
        number smallint generated always as identity primary key, name text not null unique
      )`.execute(db)
      await sql`create table ${ours('lookup')} (
        seq bigint primary key, type smallint not null, partition_key bigint, correlation bigint not null, causation bigint
      )`.execute(db)
      for (const column of LOOKED_UP_BY) {
        const index = sql.id(`lookup_${column}`)
        await sql`create index ${index} on ${ours('lookup')} (${sql.id(column)}, seq)
          where ${sql.id(column)} is not null`.execute(db)
      }
      await sql`create table ${ours('log_place')} (
        only_one boolean primary key default true check (only_one),
        indexed_to bigint not null default 0
      )`.execute(db)
      await sql`create table ${ours('log_chunk')} (
        last_seq bigint primary key, first_seq bigint not null,
        earliest timestamptz not null, latest timestamptz not null, events integer not null
      )`.execute(db)
      await sql`create unlogged table ${ours('watch')} (
        seq bigint not null, waiter uuid not null, until timestamptz not null, primary key (seq, waiter)
      )`.execute(db)
    },
  }
}
