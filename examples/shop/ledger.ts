/**
 * Proof of what ran. A handler does its work through `recordRun`, which commits the work and one row of the ledger together:
 * so the rows say how often each handler really ran for each event.
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
 * Runs `work`, a query that changes something. An event can come twice, so what it writes must bear repetition; the ledger
 * counts. One statement, not a transaction around two: with four round trips per run, half of a worker's CPU time went into sockets.
 */
export async function recordRun({ handler, event, context }: Run, work: OperationNodeSource): Promise<void> {
  await sql`
    with work as (${work})
    insert into ${sql.table(`${SHOP_SCHEMA}.ledger_run`)} (handler, event_id, event_type, order_id, delivery_id, attempt)
    values (${handler}, ${event.id}, ${event.type}, ${event.partitionKey}, ${context.deliveryId}, ${context.attempt})`.execute(
    shop.db,
  )
}
