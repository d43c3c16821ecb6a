/** `runs: 'in-transaction'`: a handler inside `publish`, for what must not lag behind its event. */
import type { Pool, PoolClient } from 'pg'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  discard,
  failed,
  skip,
  snooze,
  type BusOptions,
  type Envelope,
  type TransactionalContext,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedCounts } from '../support/stored.ts'

const Moved = defineEvent('stock.moved', {
  schema: z.object({ item: z.string(), by: z.number() }),
  partitionKey: ({ item }) => item,
})
const RanOut = defineEvent('stock.ran-out', { schema: z.object({ item: z.string() }) })
const Shipped = defineEvent('stock.shipped', { schema: z.object({ item: z.string() }) })

type Does = (event: { readonly data: { item: string; by: number } }, context: TransactionalContext) => unknown

const ran: string[] = []
let does: Does = () => undefined
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
const handlers = [book, check, ...inWorkers]

let opened: TestBus
let pool: Pool

beforeAll(async () => {
  opened = await openTestBus({ handlers })
  pool = opened.database
  await pool.query('create table stock (item text primary key, count integer check (count >= 0))')
  return () => opened.close()
})

beforeEach(async () => {
  await emptyTables(pool)
  await pool.query(`truncate stock; insert into stock values ('tea', 5), ('salt', 5)`)
  ran.length = 0
  does = () => undefined
})

const publish = (events: Envelope | readonly Envelope[], tx: PoolClient) => opened.bus.publish(events, { tx })

test('what it writes commits with the event, it is called once, and no delivery of it is stored', async () => {
  const published = await inTransaction((tx) => publish(Moved({ item: 'tea', by: -2 }), tx))

  expect(published).toMatchObject({ events: [{ deliveries: 1, duplicate: false }] })
  expect([await stock(), await storedCounts(pool), ran]).toEqual([
    { tea: 3, salt: 5 },
    { events: 1, deliveries: 1 },
    ['book tea'],
  ])
  expect(await drained(opened.bus)).toMatchObject({ done: 1 })
  expect(ran).toEqual(['book tea', 'mail stock.moved'])
})

test('what it throws reaches the publisher as it is, and leaves neither event nor writes in a transaction that goes on', async () => {
  const refused: unknown[] = []
  await inTransaction(async (tx) => {
    await publish(Moved({ item: 'salt', by: 1 }), tx)
    await publish([Moved({ item: 'tea', by: 1 }), Moved({ item: 'tea', by: -9 })], tx).catch((error: unknown) =>
      refused.push(error),
    )
    await publish(Shipped({ item: 'salt' }), tx)
  })

  expect(refused).toEqual([expect.objectContaining({ code: '23514', table: 'stock' })])
  expect([await stock(), await storedCounts(pool)]).toEqual([
    { tea: 5, salt: 6 },
    { events: 2, deliveries: 2 },
  ])
})

test.each<[string, () => unknown, object]>([
  ['failed', () => failed('no room'), { code: 'POSTBUS_ATTEMPT_FAILED', message: expect.stringContaining('no room') }],
  ['discard', () => discard('no'), { code: 'POSTBUS_ATTEMPT_FAILED', message: expect.stringContaining('failed: no') }],
  ['snooze', () => snooze({ seconds: 1 }), { code: 'POSTBUS_INLINE_SNOOZED' }],
])('%s rejects the publish', async (_, answer, error) => {
  const refusing = defineHandler('stock.refuse', { on: Moved, runs: 'in-transaction', handle: answer })
  await using bus = busWith({ handlers: [refusing] })

  await expect(inTransaction((tx) => bus.publish(Moved({ item: 'tea', by: 1 }), { tx }))).rejects.toMatchObject(error)
  expect(await storedCounts(pool)).toEqual({ events: 0, deliveries: 0 })
})

test('skip is no failure, and a handler that is not interested is not called', async () => {
  const skipping = defineHandler('stock.skip', {
    on: Moved,
    runs: 'in-transaction',
    handle: () => skip('nothing to do'),
  })
  const picky = defineHandler('stock.picky', {
    on: Moved,
    runs: 'in-transaction',
    interested: () => false,
    handle: () => failed('called'),
  })
  await using bus = busWith({ handlers: [skipping, picky] })

  await inTransaction((tx) => bus.publish(Moved({ item: 'tea', by: 1 }), { tx }))

  expect(await storedCounts(pool)).toEqual({ events: 1, deliveries: 0 })
})

test('what it publishes is in the same transaction, knows its cause, and is rolled back with it', async () => {
  does = async ({ data }, context) => {
    await context.publish(RanOut({ item: data.item }))
    if (data.item === 'salt') throw new Error('not salt')
  }

  const cause = Moved({ item: 'tea', by: -5 })
  await inTransaction(async (tx) => {
    await publish(cause, tx)
    await publish(Moved({ item: 'salt', by: -5 }), tx).catch(() => undefined)
  })

  const { rows } = await pool.query(`select type, causation_id, caused_by_handler from postbus.event order by seq`)
  expect(rows).toEqual([
    { type: 'stock.moved', causation_id: null, caused_by_handler: null },
    { type: 'stock.ran-out', causation_id: cause.id, caused_by_handler: 'stock.book' },
  ])
  expect(ran).toEqual(['book tea', 'ran out tea', 'book salt', 'ran out salt'])
})

test('an event that was there before calls nothing again', async () => {
  const event = Moved({ item: 'tea', by: -2 })

  await inTransaction((tx) => publish([event, event], tx))
  await inTransaction((tx) => publish(event, tx))

  expect([await stock(), ran]).toEqual([{ tea: 3, salt: 5 }, ['book tea']])
})

test('publishes of one transaction that are begun at once do not end under the savepoint of another', async () => {
  const slow = Promise.withResolvers<void>()
  does = async ({ data }) => {
    if (data.item !== 'tea') return
    await slow.promise
    throw new Error('not tea')
  }

  const ends = await inTransaction(async (tx) => {
    const publishing = [
      publish(Moved({ item: 'tea', by: 1 }), tx),
      publish(Moved({ item: 'salt', by: 1 }), tx),
      publish(Shipped({ item: 'salt' }), tx),
    ]
    slow.resolve()
    return Promise.allSettled(publishing)
  })

  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect([await stock(), await storedCounts(pool)]).toEqual([
    { tea: 5, salt: 6 },
    { events: 2, deliveries: 2 },
  ])
})

test('what a handler publishes at once, without awaiting it, is in its savepoint too', async () => {
  does = ({ data }, context) => {
    void context.publish(RanOut({ item: data.item }))
    void context.publish([RanOut({ item: data.item }), Moved({ item: 'salt', by: -1 })])
    does = () => undefined
  }

  await inTransaction((tx) => publish(Moved({ item: 'tea', by: -1 }), tx))

  expect([await stock(), await storedCounts(pool)]).toEqual([
    { tea: 4, salt: 4 },
    { events: 4, deliveries: 4 },
  ])
})

test('a handler that swallows an error of the database cannot leave the transaction half done', async () => {
  const swallowing = defineHandler('stock.swallow', {
    on: Moved,
    runs: 'in-transaction',
    handle: ({ data }, { tx }) => run(tx, `select 1 / ${data.by}`).catch(() => undefined),
  })
  await using bus = busWith({ handlers: [swallowing] })

  await inTransaction(async (tx) => {
    await expect(bus.publish(Moved({ item: 'tea', by: 0 }), { tx })).rejects.toMatchObject({
      code: 'POSTBUS_TRANSACTION_ABORTED',
    })
    await bus.publish(Moved({ item: 'tea', by: 1 }), { tx })
  })

  expect(await storedCounts(pool)).toEqual({ events: 1, deliveries: 0 })
})

describe('without `tx`', () => {
  test('the bus begins a transaction as it was told to, and what is thrown rolls it back', async () => {
    await using bus = busWith({ handlers, transaction: (work) => inTransaction(work) })

    const published = await bus.publish(Moved({ item: 'tea', by: -2 }))
    await expect(bus.publish(Moved({ item: 'tea', by: -9 }))).rejects.toMatchObject({ code: '23514' })

    expect(published).toMatchObject({ events: [{ deliveries: 1, duplicate: false }] })
    expect([await stock(), await storedCounts(pool)]).toEqual([
      { tea: 3, salt: 5 },
      { events: 1, deliveries: 1 },
    ])
  })

  test('a bus that was not told how refuses the event, and says how; others are published as ever', async () => {
    const publishing = opened.bus.publish(Moved({ item: 'tea', by: 1 }))

    await expect(publishing).rejects.toMatchObject({
      code: 'POSTBUS_TRANSACTION_REQUIRED',
      message: expect.stringContaining('createBus({ transaction: (work) => db.transaction().execute(work) })'),
    })
    await opened.bus.publish(Shipped({ item: 'tea' }))
    expect(await storedCounts(pool)).toEqual({ events: 1, deliveries: 1 })
  })

  test('a `transaction` that does not run its work is found out', async () => {
    await using bus = busWith({ handlers, transaction: async () => undefined })

    await expect(bus.publish(Moved({ item: 'tea', by: 1 }))).rejects.toMatchObject({
      code: 'POSTBUS_TRANSACTION_NOT_RUN',
    })
  })
})

test('explain says that it runs inside publish', async () => {
  const explained = await opened.bus.explain(Moved({ item: 'tea', by: 1 }))

  expect(explained[0]).toMatchObject({ handler: 'stock.book', interested: true, lane: null })
  expect(explained[0]?.options.runs).toBe('in-transaction')
})

test('a publish of an event without such a handler is one statement still', async () => {
  const statements: string[] = []

  await inTransaction(async (tx) => {
    const recording = {
      executeSql: (text: string, values: readonly unknown[]) => (statements.push(text), tx.query(text, [...values])),
    }
    await opened.bus.publish(Shipped({ item: 'tea' }), { tx: recording })
  })

  expect(statements).toEqual([expect.stringContaining('"postbus".publish($1)')])
})

function busWith(options: BusOptions) {
  return createBus({ connectionString: opened.connectionString, onSignal: () => undefined, ...options })
}

async function inTransaction<Result>(work: (tx: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect()
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

function run(tx: TransactionalContext['tx'], statement: string): Promise<unknown> {
  return (tx as PoolClient).query(statement)
}

async function stock(): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ item: string; count: number }>('select * from stock')
  return Object.fromEntries(rows.map(({ item, count }) => [item, count]))
}
