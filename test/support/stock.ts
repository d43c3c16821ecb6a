/** Stock that must not be negative, booked by a handler inside `publish`. */
import type { PoolClient } from 'pg'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type BusOptions, type TransactionalContext } from '../../src/index.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { emptyTables } from './stored.ts'

export const Moved = defineEvent('stock.moved', {
  schema: z.object({ item: z.string(), by: z.number() }),
  partitionKey: ({ item }) => item,
})
export const RanOut = defineEvent('stock.ran-out', { schema: z.object({ item: z.string() }) })
export const Shipped = defineEvent('stock.shipped', { schema: z.object({ item: z.string() }) })

export type Does = (event: { readonly data: { item: string; by: number } }, context: TransactionalContext) => unknown

export const ran: string[] = []
let does: Does = () => undefined

export function bookingDoes(what: Does): void {
  does = what
}

const book = defineHandler('stock.book', {
  on: Moved,
  runs: 'in-transaction',
  async handle({ data }, context) {
    ran.push(`book ${data.item}`)
    await run(context.tx, `update stock set count = count + ${data.by} where item = '${data.item}'`)
    return does({ data }, context)
  },
})
const check = defineHandler('stock.check', {
  on: RanOut,
  runs: 'in-transaction',
  handle: ({ data }) => void ran.push(`ran out ${data.item}`),
})
const inWorkers = [Moved, RanOut, Shipped].map((on) =>
  defineHandler(`mail.${on.type}`, { on, handle: (event) => void ran.push(`mail ${event.type}`) }),
)
export const handlers = [book, check, ...inWorkers]

let opened: TestBus

/** For `beforeAll`. */
export async function openStock(): Promise<TestBus> {
  opened = await openTestBus({ handlers })
  await opened.database.query('create table stock (item text primary key, count integer check (count >= 0))')
  return opened
}

/** For `beforeEach`. */
export async function fillStock(): Promise<void> {
  await emptyTables(opened.database)
  await opened.database.query(`truncate stock; insert into stock values ('tea', 5), ('salt', 5)`)
  ran.length = 0
  does = () => undefined
}

export function busWith(options: BusOptions) {
  return createBus({ connectionString: opened.connectionString, onSignal: () => undefined, ...options })
}

export async function inTransaction<Result>(work: (tx: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await opened.database.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

export function run(tx: TransactionalContext['tx'], statement: string): Promise<unknown> {
  return (tx as PoolClient).query(statement)
}

export async function stock(): Promise<Record<string, number>> {
  const { rows } = await opened.database.query<{ item: string; count: number }>('select * from stock')
  return Object.fromEntries(rows.map(({ item, count }) => [item, count]))
}
