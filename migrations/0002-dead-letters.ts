/** The table of dead letters: deliveries that will not be tried again unless an operator says so. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function deadLetters(names: SchemaNames): Migration {
  const deadLetter = sql.table(`${names.postbus}.dead_letter`)
  return {
    async up(db) {
      await sql`
        create table ${deadLetter} (
          delivery_id uuid primary key,
          queue text not null,
          handler text not null,
          event_id uuid,
          event_type text,
          partition_key text,
          reason text not null,
          attempts jsonb not null default '[]',
          blocks_key boolean not null default false,
          died_at timestamptz not null default now(),
          discarded_at timestamptz
        )`.execute(db)
      await sql`create index dead_letter_open on ${deadLetter} (died_at, delivery_id) where discarded_at is null`.execute(
        db,
      )
    },
  }
}
