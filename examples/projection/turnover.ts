/** A read model: the sum of each customer's orders. */
import { sql, type Transaction } from 'kysely'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'

export interface Tables {
  'projection_shop.turnover': { customer: string; total: number }
}

export const TABLES = `
  create table projection_shop.turnover (customer text primary key, total integer not null)`

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({ customer: z.string(), total: z.int() }),
  partitionKey: ({ customer }) => customer,
})

/** The handler reads the log, so a publish writes nothing for it, and an operator can move it to any event. `backfill` lets it begin in the past. */
export function addToTurnover(onEvent: (isReplay: boolean) => void) {
  return defineHandler('reports.add-to-turnover', {
    on: OrderPlaced,
    delivery: 'log',
    backfill: { since: new Date('2020-01-01') },
    transactional: true, // each event is in the sum exactly once
    async handle({ data: { customer, total } }, { tx, isReplay }) {
      await sql`
        insert into projection_shop.turnover as row values (${customer}, ${total})
        on conflict (customer) do update set total = row.total + excluded.total`.execute(tx as Transaction<Tables>)
      onEvent(isReplay)
    },
  })
}
