/** `registry`, `registered_type` and `subscription`: what SQL may publish, and who gets it. `migrate` writes them from the code. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function registry(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('registry')} (
        service text primary key,
        digest text not null,
        registered_at timestamptz not null default clock_timestamp()
      )`.execute(db)
      // What a service has registered before: so an older deploy is known again.
      await sql`create table ${ours('former_registry')} (
        service text not null references ${ours('registry')} on delete cascade,
        digest text not null,
        registered_at timestamptz not null default clock_timestamp(),
        primary key (service, digest)
      )`.execute(db)
      // One row for each name that an event type has or had. `type` is the name that is stored.
      await sql`create table ${ours('registered_type')} (
        name text not null,
        version integer not null,
        service text not null references ${ours('registry')} on delete cascade,
        type text not null,
        is_keyed boolean not null,
        retain_ms float8,
        ttl_ms float8,
        max_bytes integer not null,
        primary key (name, version, service)
      )`.execute(db)
      await sql`create table ${ours('subscription')} (
        type text not null,
        version integer not null,
        service text not null references ${ours('registry')} on delete cascade,
        handler text not null,
        handler_hash text not null,
        ord integer not null,
        delivery text not null,
        queue text not null,
        keyed_queue text not null,
        is_ordered boolean not null,
        priority integer not null,
        is_backfilled boolean not null,
        is_finisher boolean not null,
        is_asked_blind boolean not null,
        primary key (type, version, service, handler)
      )`.execute(db)
      // A claim for a shadow comes without the data, so it must be told that `interested` was not asked. Null for most events.
      await sql`alter table ${ours('event')} add column is_unasked boolean`.execute(db)
    },
  }
}
