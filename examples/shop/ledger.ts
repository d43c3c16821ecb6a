/**
 * Proof of what ran. A handler does its work through `recordRun`, which commits the work and one row of the ledger together:
 * whoever counts the rows knows how often each handler really ran for each event.
 */
import type { Transaction } from 'kysely'
import type { Envelope, HandlerContext } from '../../src/index.ts'
import { shop } from './database.ts'
import type { LedgerTables } from './ledger-tables.ts'

export interface Run {
  readonly handler: string
  readonly event: Envelope
  readonly context: HandlerContext
}

/** Runs `work` in a transaction. An event can come twice, so what `work` writes must bear repetition; the ledger counts. */
export async function recordRun(
  { handler, event, context }: Run,
  work: (trx: Transaction<object>) => Promise<unknown>,
): Promise<void> {
  await shop.db.transaction().execute(async (trx) => {
    await work(trx)
    await trx
      .$extendTables<LedgerTables>()
      .insertInto('ledger_run')
      .values({
        handler,
        event_id: event.id,
        event_type: event.type,
        order_id: event.partitionKey,
        delivery_id: context.deliveryId,
        attempt: context.attempt,
      })
      .execute()
  })
}
