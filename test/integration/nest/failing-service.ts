/** A service on Nest that fails at any of its steps on request: a header of the request names the step. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Body, Controller, Headers, Injectable, Module, Post, type DynamicModule } from '@nestjs/common'
import { Pool, type PoolClient } from 'pg'
import { z } from 'zod'
import { defineEvent, type Bus, type EventOf, type Middleware, type TransactionalContext } from '../../../src/index.ts'
import { EventHandler, InjectBus, PostbusModule } from '../../../src/nest/index.ts'
import { inTransaction } from '../../support/in-transaction.ts'

const schema = z.object({ id: z.string(), amount: z.number().positive() })
const OrderPlaced = defineEvent('orders.order-placed', { schema, partitionKey: ({ id }) => id })
const OrderPriced = defineEvent('orders.order-priced', { schema })
const LimitTouched = defineEvent('limits.limit-touched', { schema })
type OrderPlaced = EventOf<typeof OrderPlaced>

/** The step at which the current request fails. */
const failing = new AsyncLocalStorage<string>()

export function at(step: string): void {
  if (failing.getStore() === step) throw new Error(`failed: ${step}`)
}

@Injectable()
class Limits {
  /** In the publisher's transaction: an order that touches the limit is refused. */
  @EventHandler(OrderPlaced, {
    name: 'limits.check',
    runs: 'in-transaction',
    interested: () => {
      at('in a filter')
      return true
    },
  })
  async check({ data }: OrderPlaced, { tx, publish }: TransactionalContext) {
    at('in a handler inside publish')
    await (tx as PoolClient).query('insert into limits values ($1)', [data.id])
    at('after a handler inside publish has written')
    await publish(LimitTouched(data))
    at('after a handler inside publish has published')
  }
}

@Injectable()
class Booking {
  /** Runs later, in the worker. The first attempt fails after it has written. */
  @EventHandler(OrderPlaced, { name: 'bookings.book', transactional: true, backoff: () => 10 })
  async book({ data }: OrderPlaced, { tx, attempt }: TransactionalContext) {
    await (tx as PoolClient).query('insert into bookings values ($1)', [data.id])
    if (attempt === 1) throw new Error('failed: a handler of the worker')
  }
}

@Controller('orders')
class Orders {
  readonly #pool: Pool
  readonly #bus: Bus

  constructor(pool: Pool, @InjectBus() bus: Bus) {
    this.#pool = pool
    this.#bus = bus
  }

  @Post()
  async place(@Body() order: { id: string; amount: number }, @Headers('x-fails') fails = ''): Promise<void> {
    await failing.run(fails, () => this.#place(order))
    failing.run(fails, () => at('after the commit'))
  }

  async #place(order: { id: string; amount: number }): Promise<void> {
    at('before the transaction')
    const tx = await this.#pool.connect()
    let lost: Error | undefined
    const onError = (error: Error) => void (lost = error)
    tx.on('error', onError)
    try {
      await tx.query('begin')
      await this.#steps(order, tx)
      await tx.query('commit')
    } catch (error) {
      await tx.query('rollback').catch(() => (lost = error as Error))
      throw error
    } finally {
      tx.off('error', onError)
      tx.release(lost)
    }
  }

  async #steps(order: { id: string; amount: number }, tx: PoolClient): Promise<void> {
    const step = failing.getStore()
    at('after begin')
    if (step === 'a statement that takes too long')
      await tx.query(`set local statement_timeout = 50; select pg_sleep(5)`)
    await tx.query('insert into orders values ($1, $2)', [order.id, order.amount])
    at('after the row')
    if (step === 'a connection lost before publish') await this.#kill(tx)
    if (step === 'an event that is refused') order = { ...order, amount: -1 }
    await this.#bus.publish(OrderPlaced(order), { tx })
    at('after publish')
    if (step === 'a constraint') await tx.query('insert into orders values ($1, 1)', [order.id])
    await this.#publishCaught(order, tx)
    at('after a second publish')
    if (step === 'a deferred constraint') await tx.query('insert into due values ($1), ($1)', [order.id])
    if (step === 'a connection lost before commit') await this.#kill(tx)
    at('before commit')
  }

  /** Publishes a second event, in a savepoint: a failure there loses this event, but not the order. */
  async #publishCaught(order: { id: string; amount: number }, tx: PoolClient): Promise<void> {
    await tx.query('savepoint pricing')
    try {
      await this.#bus.publish(OrderPriced(order), { tx })
      if (failing.getStore() === 'a savepoint') throw new Error('caught')
      await tx.query('release pricing')
    } catch {
      await tx.query('rollback to pricing')
    }
  }

  async #kill(tx: PoolClient): Promise<void> {
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    await this.#pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])
  }
}

const stumbling: Middleware = {
  name: 'stumbling',
  async publish(_, next) {
    at('in a hook before publish')
    await next()
    at('in a hook after publish')
  },
}

@Module({})
export class FailingService {
  static with(connectionString: string): DynamicModule {
    const pool = new Pool({ connectionString, max: 5 })
    pool.on('error', () => undefined)
    return {
      module: FailingService,
      imports: [
        PostbusModule.forRoot({
          connectionString,
          worker: { pollMs: 100 },
          middleware: [stumbling],
          transaction: (work) => inTransaction(pool, 'begin', work),
          onSignal: () => undefined,
        }),
      ],
      controllers: [Orders],
      providers: [{ provide: Pool, useValue: pool }, Limits, Booking],
    }
  }
}
