/** `completion`: the deliveries of transactional handlers whose effects are committed, until they are settled. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function completions(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      // Rows come and go with each delivery: cleared away after some thousands, however few there are at any moment.
      await sql`create table ${ours('completion')} (
        delivery uuid primary key,
        completed_at timestamptz not null default clock_timestamp(),
        skipped text
      ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`.execute(db)
      // As for events: what was meant for a transaction must not be found alone.
      await sql`create constraint trigger at_commit after insert on ${ours('completion')}
        deferrable initially deferred for each row
        when (current_setting('postbus.published_by', true) = 'now')
        execute function ${sql.id(names.postbus)}.at_commit()`.execute(db)
    },
  }
}
