/** The table of the ledger: a row for every run of a handler that succeeded, and nothing that would keep a second one out. */
import type { Generated } from 'kysely'

export type LedgerTables = {
  ledger_run: {
    run: Generated<string>
    handler: string
    event_id: string
    event_type: string
    order_id: string | null
    delivery_id: string
    attempt: number
  }
}

export const ledgerTables = `
  create table if not exists ledger_run (
    run bigint generated always as identity primary key,
    handler text not null,
    event_id uuid not null,
    event_type text not null,
    order_id text,
    delivery_id uuid not null,
    attempt integer not null,
    ran_at timestamptz not null default clock_timestamp()
  );`
