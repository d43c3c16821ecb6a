/** Letters: a class that is one handler, with its dependencies injected. */
import { Injectable, Module } from '@nestjs/common'
import { EventHandler } from '../../src/nest/index.ts'
import { Database } from './database.ts'
import { StockReserved } from './events.ts'

@Injectable()
@EventHandler(StockReserved, { name: 'letters.confirm' })
export class Confirmation {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** A handler that is not transactional may run twice for one event. The second run writes no second letter. */
  async handle({ data }: StockReserved): Promise<void> {
    const text = `Order ${data.orderId} is reserved, ${data.left} of ${data.sku} are left.`
    await this.#database
      .insertInto('shop.letter')
      .values({ order_id: data.orderId, text })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

@Module({ providers: [Confirmation] })
export class LettersModule {}
