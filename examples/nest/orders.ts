/** Orders: takes them over HTTP, and publishes that they were created. It knows neither stock nor letters. */
import { Body, Controller, Get, Injectable, Module, NotFoundException, Param, Post } from '@nestjs/common'
import type { Bus } from '../../src/index.ts'
import { InjectBus } from '../../src/nest/index.ts'
import { Database } from './database.ts'
import { OrderCreated } from './events.ts'

interface NewOrder {
  readonly orderId: string
  readonly sku: string
  readonly count: number
}

@Injectable()
export class Orders {
  readonly #database: Database
  readonly #bus: Bus

  constructor(database: Database, @InjectBus() bus: Bus) {
    this.#database = database
    this.#bus = bus
  }

  /** Stores the order and its event in one commit: both exist, or neither. */
  async create({ orderId, sku, count }: NewOrder): Promise<string> {
    return this.#database.transaction().execute(async (tx) => {
      await tx.insertInto('shop.orders').values({ id: orderId, sku, count }).execute()
      const { events } = await this.#bus.publish(OrderCreated({ orderId, sku, count }), { tx })
      return events[0]!.id
    })
  }

  async find(id: string) {
    return this.#database
      .selectFrom('shop.orders as order')
      .leftJoin('shop.letter as letter', 'letter.order_id', 'order.id')
      .select(['order.id', 'order.sku', 'order.count', 'letter.text as letter'])
      .where('order.id', '=', id)
      .executeTakeFirst()
  }
}

@Controller('orders')
export class OrdersController {
  readonly #orders: Orders

  constructor(orders: Orders) {
    this.#orders = orders
  }

  @Post()
  async create(@Body() order: NewOrder) {
    return { eventId: await this.#orders.create(order) }
  }

  @Get(':id')
  async find(@Param('id') id: string) {
    const order = await this.#orders.find(id)
    if (!order) throw new NotFoundException()
    return order
  }
}

@Module({ controllers: [OrdersController], providers: [Orders] })
export class OrdersModule {}
