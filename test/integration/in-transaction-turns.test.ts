/** Handlers inside `publish`: several publishes in one transaction, and publishes without a transaction. */
import type { Pool, PoolClient } from 'pg'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineHandler, type Envelope } from '../../src/index.ts'
import type { TestBus } from '../support/bus.ts'
import {
  bookingDoes,
  busWith,
  fillStock,
  handlers,
  inTransaction,
  Moved,
  openStock,
  RanOut,
  run,
  Shipped,
  stock,
} from '../support/stock.ts'
import { storedCounts } from '../support/stored.ts'

let opened: TestBus
let pool: Pool

beforeAll(async () => {
  opened = await openStock()
  pool = opened.database
  return () => opened.close()
})

beforeEach(() => fillStock())

const publish = (events: Envelope | readonly Envelope[], tx: PoolClient) => opened.bus.publish(events, { tx })

test('concurrent publishes in one transaction do not end under each other’s savepoints', async () => {
  const slow = Promise.withResolvers<void>()
  bookingDoes(async ({ data }) => {
    if (data.item !== 'tea') return
    await slow.promise
    throw new Error('not tea')
  })

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

test('events that a handler publishes without awaiting are in its savepoint too', async () => {
  bookingDoes(({ data }, context) => {
    void context.publish(RanOut({ item: data.item }))
    void context.publish([RanOut({ item: data.item }), Moved({ item: 'salt', by: -1 })])
    bookingDoes(() => undefined)
  })

  await inTransaction((tx) => publish(Moved({ item: 'tea', by: -1 }), tx))

  expect([await stock(), await storedCounts(pool)]).toEqual([
    { tea: 4, salt: 4 },
    { events: 4, deliveries: 4 },
  ])
})

test('a handler that catches a database error cannot leave the transaction half done', async () => {
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
  test('the bus begins a transaction with its `transaction` option, and an error rolls it back', async () => {
    await using bus = busWith({ handlers, transaction: (work) => inTransaction(work) })

    const published = await bus.publish(Moved({ item: 'tea', by: -2 }))
    await expect(bus.publish(Moved({ item: 'tea', by: -9 }))).rejects.toMatchObject({ code: '23514' })

    expect(published).toMatchObject({ events: [{ deliveries: 1, duplicate: false }] })
    expect([await stock(), await storedCounts(pool)]).toEqual([
      { tea: 3, salt: 5 },
      { events: 1, deliveries: 1 },
    ])
  })

  test('a bus without that option refuses the event and names the option, and publishes other events', async () => {
    const publishing = opened.bus.publish(Moved({ item: 'tea', by: 1 }))

    await expect(publishing).rejects.toMatchObject({
      code: 'POSTBUS_TRANSACTION_REQUIRED',
      message: expect.stringContaining('createBus({ transaction: (work) => db.transaction().execute(work) })'),
    })
    await opened.bus.publish(Shipped({ item: 'tea' }))
    expect(await storedCounts(pool)).toEqual({ events: 1, deliveries: 1 })
  })

  test('a `transaction` that does not run its work is detected', async () => {
    await using bus = busWith({ handlers, transaction: async () => undefined })

    await expect(bus.publish(Moved({ item: 'tea', by: 1 }))).rejects.toMatchObject({
      code: 'POSTBUS_TRANSACTION_NOT_RUN',
    })
  })
})
