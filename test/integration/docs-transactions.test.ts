/** The blocks of docs/transactions.md run as they are. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { writeReadmeBlocks, type ReadmeBlocks } from '../support/readme-blocks.ts'

let opened: TestBus
let blocks: ReadmeBlocks

beforeAll(async () => {
  opened = await openTestBus()
  await opened.database.query(`create table orders (id text); create table invoices ("order" text);
    create table stock ("left" integer check ("left" >= 0)); insert into stock values (50)`)
  blocks = writeReadmeBlocks('transactions', app(), 'docs/transactions.md')
  writeFileSync(join(blocks.folder, 'events.ts'), EVENTS)
  writeFileSync(join(blocks.folder, 'bus.ts'), BUS)
})

afterAll(async () => {
  const { close } = await load<{ close(): Promise<unknown> }>('app.ts')
  await close()
  blocks.remove()
  await opened.close()
})

test('an order in stock gets its invoice and is charged once, and one that is not in stock leaves nothing', async () => {
  const { placeOrder } = await load<{ placeOrder(id: string): Promise<void> }>('orders.ts')
  const { bus } = await load<{ bus: Bus }>('bus.ts')

  await placeOrder('o-1')
  await expect(placeOrder('o-2')).rejects.toMatchObject({ code: '23514' })
  await bus.worker().drain()

  await bus.close()
  const { bus: other } = await load<{ bus: Bus }>('invoices.ts')
  await other.close()
  const { calls } = await load<{ calls: unknown[] }>('app.ts')
  const { rows } = await opened.database.query('select orders.id, invoices.order from orders, invoices')
  expect(rows).toEqual([{ id: 'o-1', order: 'o-1' }])
  expect(calls).toEqual(expect.arrayContaining([{ charged: 42, key: expect.any(String) }]))
  expect(calls).toHaveLength(2)
})

test('a bus finds the surrounding transaction through TypeORM’s manager', async () => {
  const { bus } = await load<{ bus: Bus }>('ambient-typeorm.ts')
  const { dataSource } = await load<{ dataSource: { manager: { queryRunner?: object } } }>('app.ts')

  expect(dataSource.manager.queryRunner).toBeUndefined()
  const { OrderCreated } = await load<{ OrderCreated: (data: object) => never }>('events.ts')
  await expect(bus.publish(OrderCreated({ orderId: 'o-3', total: 1 }))).rejects.toMatchObject({
    code: 'POSTBUS_TRANSACTION_REQUIRED',
  })
  await bus.close()
})

async function load<Exports>(file: string): Promise<Exports> {
  return (await import(pathToFileURL(resolve(blocks.folder, file)).href)) as Exports
}

/** The parts of an application that the page assumes. */
const EVENTS = `
import { z } from 'zod'
import { defineEvent } from '../../../src/index.ts'
export const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string(), total: z.number() }) })
export const InvoiceMade = defineEvent('finances.invoice-made', { schema: z.object({ order: z.string() }) })
`
const BUS = `
import { createBus } from '../../../src/index.ts'
import { connectionString, db } from './app.ts'
import { makeInvoice } from './invoices.ts'
import { archive, charge } from './outside.ts'
import { reserve } from './stock.ts'
export const bus = createBus({
  connectionString,
  handlers: [makeInvoice, archive, charge, reserve],
  transaction: (work) => db.transaction().execute(work),
  onSignal: () => undefined,
})
`

function app(): string {
  return `
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { EntityManager } from 'typeorm'
export interface Database { orders: { id: string }; invoices: { order: string }; stock: { left: number } }
export const connectionString = ${JSON.stringify(opened.connectionString)}
export const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 4 }) }) })
export const dataSource: { manager: EntityManager } = { manager: {} as EntityManager }
export const calls: unknown[] = []
export const payments = { charge: async ({ amount }: { amount: number; currency: string }, { idempotencyKey: key }: { idempotencyKey: string }) => void calls.push({ charged: amount, key }) }
export const objects = { put: async (name: string, body: string) => void calls.push({ name, body }) }
export const close = () => db.destroy()
`
}
