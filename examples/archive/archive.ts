/**
 * An archive of every event, in a table of the application: what event_bus_postgres does, with a batch handler. One statement stores a
 * hundred events, and an event that comes twice is stored once.
 */
import type { Pool } from 'pg'
import { defineBatchHandler, type Envelope } from '../../src/index.ts'

/** As in the ancestor: its consumers asked for 75 to 100 events at a time. */
const BATCH_SIZE = 100

export interface ArchiveParts {
  readonly pool: Pool
  /** Called after each batch that is stored. */
  onStored?(count: number): void
}

export function archiveHandler({ pool, onStored }: ArchiveParts) {
  return defineBatchHandler('archive.store-event', {
    on: '*',
    queue: 'archive',
    batchSize: BATCH_SIZE,
    maxWaitMs: 200,
    async handle(events) {
      await store(pool, events)
      onStored?.(events.length)
    },
  })
}

export async function createArchive(pool: Pool): Promise<void> {
  await pool.query(`create table if not exists archived_event (
    id uuid primary key, type text not null, occurred_at timestamptz not null, correlation_id text, data json not null
  )`)
}

async function store(pool: Pool, events: readonly Envelope[]): Promise<void> {
  await pool.query(
    `insert into archived_event (id, type, occurred_at, correlation_id, data)
    select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::json[])
    on conflict (id) do nothing`,
    [
      events.map(({ id }) => id),
      events.map(({ type }) => type),
      events.map(({ occurredAt }) => occurredAt),
      events.map(({ correlationId }) => correlationId),
      events.map(({ data }) => JSON.stringify(data)),
    ],
  )
}
