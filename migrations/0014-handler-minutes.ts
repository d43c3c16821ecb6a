/** `handler_minute`: what became of a handler's attempts in a minute, on all workers, and how long they took, in buckets. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function handlerMinutes(names: SchemaNames): Migration {
  const ours = (name: string) => sql.table(`${names.postbus}.${name}`)
  return {
    async up(db) {
      await sql`create table ${ours('handler_minute')} (
        minute timestamptz not null,
        handler smallint not null,
        done integer not null,
        skipped integer not null,
        expired integer not null,
        failed integer not null,
        dead integer not null,
        snoozed integer not null,
        run_ms integer[] not null,
        latency_ms integer[] not null,
        primary key (minute, handler)
      ) with (fillfactor = 70)`.execute(db)
    },
  }
}
