/**
 * Columns for handlers that change from deliveries to the log, back, or to another number of shards. All processes follow this table, because
 * old and new code run side by side during a deploy. The sequence `delivery_epoch` counts the changes: publishers compare it with the count they know.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function deliveryChanges(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create sequence ${ours('delivery_epoch')}`.execute(db)
      await sql`alter table ${ours('log_handler')}
        add column mode text not null default 'log' check (mode in ('job', 'held', 'log')),
        add column wanted text not null default 'log' check (wanted in ('job', 'log')),
        add column wanted_shards smallint,
        add column epoch bigint not null default 0,
        add column phase text check (phase in ('preparing', 'telling', 'announcing', 'waiting', 'reading', 'releasing')),
        add column phase_since timestamptz,
        add column zone_from bigint,
        add column zone_to bigint,
        add column ends_at bigint,
        add column floors bigint[],
        add column told jsonb,
        add column waits_for text[],
        add column eras int8multirange not null default '{}'`.execute(db)
    },
  }
}
