/** The table of events. Each event is stored once, in the order of publishing. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function events(names: SchemaNames): Migration {
  const event = sql.table(`${names.postbus}.event`)
  const schema = sql.id(names.postbus)
  return {
    async up(db) {
      // `payload` is json, not jsonb: jsonb refuses \u0000 and lone surrogates, and would abort the caller's transaction.
      await sql`
        create table ${event} (
          seq bigint generated always as identity primary key,
          id uuid not null unique,
          type text not null,
          version integer not null,
          partition_key text,
          payload json not null,
          correlation_id text not null,
          causation_id text,
          source text,
          metadata json,
          occurred_at timestamptz not null,
          published_at timestamptz not null default clock_timestamp(),
          expires_at timestamptz
        )`.execute(db)

      // A delivery's id is its event's seq (eight bytes) and a hash of its handler's name (eight bytes).
      await sql`
        create function ${schema}.seq_of_delivery(delivery_id uuid) returns bigint
        language sql immutable strict parallel safe
        return ('x' || left(replace(delivery_id::text, '-', ''), 16))::bit(64)::bigint`.execute(db)
    },
  }
}
