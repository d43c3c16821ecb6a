/** `runs: 'in-transaction'`: a handler inside `publish`, for work that must not lag behind its event. */
import type { Pool, PoolClient } from 'pg'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { defineHandler, discard, failed, skip, snooze, type Envelope } from '../../src/index.ts'
import type { TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import {
  bookingDoes,
  busWith,
  fillStock,
  inTransaction,
  Moved,
  openStock,
  ran,
  RanOut,
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

test('the handler’s writes commit with the event, it is called once, and it has no delivery', async () => {
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

test('an error of the handler reaches the publisher unchanged; the event and the writes are undone, and the transaction goes on', async () => {
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

test('skip is not a failure, and a handler that is not interested is not called', async () => {
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

test('the handler’s events are in the same transaction, name their cause, and are rolled back with it', async () => {
  bookingDoes(async ({ data }, context) => {
    await context.publish(RanOut({ item: data.item }))
    if (data.item === 'salt') throw new Error('not salt')
  })

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

test('a duplicate event calls no handler again', async () => {
  const event = Moved({ item: 'tea', by: -2 })

  await inTransaction((tx) => publish([event, event], tx))
  await inTransaction((tx) => publish(event, tx))

  expect([await stock(), ran]).toEqual([{ tea: 3, salt: 5 }, ['book tea']])
})

test('explain shows that a handler runs inside publish', async () => {
  const explained = await opened.bus.explain(Moved({ item: 'tea', by: 1 }))

  expect(explained[0]).toMatchObject({ handler: 'stock.book', interested: true, lane: null })
  expect(explained[0]?.options.runs).toBe('in-transaction')
})

test('publishing an event without such a handler is still one statement', async () => {
  const statements: string[] = []

  await inTransaction(async (tx) => {
    const recording = {
      executeSql: (text: string, values: readonly unknown[]) => (statements.push(text), tx.query(text, [...values])),
    }
    await opened.bus.publish(Shipped({ item: 'tea' }), { tx: recording })
  })

  expect(statements).toEqual([expect.stringContaining('"postbus".publish($1)')])
})
