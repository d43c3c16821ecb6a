/**
 * Proof of each run. A handler does its work through `recordRun`, which commits the work and one row of the ledger together, so the rows
 * show how often each handler really ran for each event.
 */
import { sql, type OperationNodeSource } from 'kysely'
import type { Envelope, HandlerContext } from '../../src/index.ts'
import { SHOP_SCHEMA, shop } from './database.ts'

export interface Run {
  readonly handler: string
  readonly event: Envelope
  readonly context: HandlerContext
}

/**
 * Runs `work`, a query that changes something, and adds a row to the ledger. An event can come twice, so `work` must be idempotent; the
 * ledger counts every run. This is one statement and not a transaction around two: with four round trips per run, sockets used half of a
 * worker's CPU time.
 */
export async function recordRun({ handler, event, context }: Run, work: OperationNodeSource): Promise<void> {
  await sql`
    with work as (${work})
    insert into ${sql.table(`${SHOP_SCHEMA}.ledger_run`)} (handler, event_id, event_type, order_id, delivery_id, attempt)
    values (${handler}, ${event.id}, ${event.type}, ${event.partitionKey}, ${context.deliveryId}, ${context.attempt})`.execute(
    shop.db,
  )
}
