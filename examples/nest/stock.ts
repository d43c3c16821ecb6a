/** Stock: reserves the items of an order, in one commit with the end of the delivery, so exactly once. */
import { Injectable, Module } from '@nestjs/common'
import type { Transaction } from 'kysely'
import { failed, type TransactionalContext } from '../../src/index.ts'
import { EventHandler } from '../../src/nest/index.ts'
import type { Tables } from './database.ts'
import { OrderCreated, StockReserved } from './events.ts'

@Injectable()
export class Stock {
  @EventHandler(OrderCreated, { name: 'stock.reserve', transactional: true, maxAttempts: 5 })
  async reserve({ data }: OrderCreated, { tx, publish }: TransactionalContext) {
    const { orderId, sku, count } = data
    const stock = await (tx as Transaction<Tables>)
      .updateTable('shop.stock')
      .set(({ eb }) => ({ remaining: eb('remaining', '-', count) }))
      .where('sku', '=', sku)
      .returning('remaining')
      .executeTakeFirst()
    if (!stock) return failed(`no stock of ${sku}`)

    await publish(StockReserved({ orderId, sku, left: stock.remaining }))
    return undefined
  }
}

@Module({ providers: [Stock] })
export class StockModule {}
