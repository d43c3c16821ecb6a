/** Many publishers at once, at every isolation level: publishing adds no lock, no deadlock and no conflict of its own. */
import { Client, type PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { inTransaction } from '../support/in-transaction.ts'
import { emptyTables, storedCounts, storedDeliveries, storedEvents } from '../support/stored.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string(), turn: z.number() }),
  partitionKey: (data) => data.account,
})
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
const thank = defineHandler('email.thank', { on: Paid, handle: () => undefined })

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book, thank] })
  await shop.database.query('create table account (id text primary key, turns integer not null)')
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query(`truncate account; insert into account values ('a', 0), ('b', 0)`)
})

test.each(['read committed', 'repeatable read', 'serializable'])(
  'an event can be published at isolation level %s',
  async (level) => {
    await inTransaction(shop.database, `begin isolation level ${level}`, async (tx) => {
      await tx.query('select * from account')
      await shop.bus.publish(Paid({ account: 'a', turn: 1 })) // committed meanwhile by another connection
      await shop.bus.publish(Paid({ account: 'a', turn: 2 }), { tx })
    })

    expect(await turns()).toEqual([1, 2])
    expect(await storedCounts(shop.database)).toEqual({ events: 2, deliveries: 4 })
  },
)

test('events have the order of the row lock, even if the transaction that got it later began earlier', async () => {
  const [early, late] = [new Client(shop.connectionString), new Client(shop.connectionString)]
  await Promise.all([early.connect(), late.connect()])
  await early.query('begin')
  await early.query('select now()') // its transaction begins before the other one
  await late.query('begin')

  await late.query(`update account set turns = 1 where id = 'a'`)
  const waiting = early.query(`update account set turns = 2 where id = 'a'`)
  await shop.bus.publish(Paid({ account: 'a', turn: 1 }), { tx: late })
  await late.query('commit')
  await waiting
  await shop.bus.publish(Paid({ account: 'a', turn: 2 }), { tx: early })
  await early.query('commit')

  const deliveries = await storedDeliveries(shop.database)
  const published = (await storedEvents(shop.database)).map(({ id }) => id)
  expect(await turns()).toEqual([1, 2])
  expect(deliveries.filter(({ handler }) => handler === 'finances.book').map(({ event }) => event)).toEqual(published)
  await Promise.all([early.end(), late.end()])
})

test('F34: publishers of the same two keys in opposite order do not wait for each other', async () => {
  const orders = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? ['a', 'b'] : ['b', 'a']))
  const clients = await Promise.all(orders.map(() => shop.database.connect()))

  // No transaction commits before all have published both: a lock of our own would make this wait without end.
  await Promise.all(clients.map((tx) => tx.query('begin')))
  for (const position of [0, 1]) {
    for (const [index, tx] of clients.entries()) {
      await shop.bus.publish(Paid({ account: orders[index]?.[position] ?? '', turn: index }), { tx })
    }
  }
  await Promise.all(clients.map((tx) => tx.query('commit')))

  expect(await storedCounts(shop.database)).toEqual({ events: 16, deliveries: 32 })
  for (const tx of clients) tx.release()
})

test('F34: a deadlock of the caller reaches the caller unchanged, and only the survivor has published', async () => {
  const [one, two] = [await shop.database.connect(), await shop.database.connect()]
  await Promise.all([one.query('begin'), two.query('begin')])
  const add = (tx: PoolClient, id: string) => tx.query('update account set turns = turns + 1 where id = $1', [id])
  await Promise.all([add(one, 'a'), add(two, 'b')])
  await shop.bus.publish(Paid({ account: 'a', turn: 1 }), { tx: one })
  await shop.bus.publish(Paid({ account: 'b', turn: 2 }), { tx: two })

  const addAndEnd = async (tx: PoolClient, id: string) => {
    try {
      await add(tx, id)
    } finally {
      await tx.query('commit') // which rolls back if the statement failed
    }
  }
  const ends = await Promise.allSettled([addAndEnd(one, 'b'), addAndEnd(two, 'a')])

  const failures = ends.filter((end) => end.status === 'rejected')
  expect(failures).toEqual([{ status: 'rejected', reason: expect.objectContaining({ code: '40P01' }) as unknown }])
  expect(await turns()).toEqual([ends[0]?.status === 'fulfilled' ? 1 : 2])
  one.release()
  two.release()
})

test('F35: after a serialization failure the retry publishes, and there are as many events as commits', async () => {
  const failures: string[] = []
  const increment = async () => {
    await inTransaction(shop.database, 'begin isolation level serializable', async (tx) => {
      const { rows } = await tx.query<{ turns: number }>(`select turns from account where id = 'a'`)
      const turn = (rows[0]?.turns ?? 0) + 1
      await shop.bus.publish(Paid({ account: 'a', turn }), { tx })
      await tx.query(`update account set turns = $1 where id = 'a'`, [turn])
    })
  }
  const untilDone = async (): Promise<void> => {
    try {
      await increment()
    } catch (error) {
      failures.push((error as { code: string }).code)
      await untilDone()
    }
  }

  await Promise.all([1, 2, 3, 4, 5, 6].flatMap(() => [untilDone(), untilDone()]))

  expect(new Set(failures)).toEqual(new Set(['40001'])) // there were some, and only of this kind
  expect(await turns()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  expect(await storedCounts(shop.database)).toEqual({ events: 12, deliveries: 24 })
})

test('F35: two serializable transactions that only publish do not conflict', async () => {
  const [one, two] = [await shop.database.connect(), await shop.database.connect()]
  await Promise.all([one, two].map((tx) => tx.query('begin isolation level serializable')))

  await shop.bus.publish(Paid({ account: 'a', turn: 1 }), { tx: one })
  await shop.bus.publish(Paid({ account: 'a', turn: 2 }), { tx: two })
  await one.query('commit')
  await two.query('commit')

  expect(await turns()).toEqual([1, 2])
  one.release()
  two.release()
})

test('F24: publishing in a transaction uses only the connection of that transaction', async () => {
  const starved = await openTestBus({ handlers: [book] })
  const unused = createBus({ connectionString: starved.connectionString, handlers: [book], poolSize: 1 })
  const before = await connectionsOfTheBus(starved)
  const clients = [await starved.database.connect(), await starved.database.connect()]

  for (const tx of clients) {
    await tx.query('begin')
    await unused.publish(Paid({ account: 'a', turn: 1 }), { tx })
  }
  const connections = await connectionsOfTheBus(starved)
  for (const tx of clients) await tx.query('commit')

  expect(connections).toBe(before)
  for (const tx of clients) tx.release()
  await unused.close()
  await starved.close()
})

test('F39: 10,000 events in one transaction keep their order and their deliveries', async () => {
  const events = Array.from({ length: 10_000 }, (_, turn) => Paid({ account: `key ${turn % 7}`, turn }))

  await inTransaction(shop.database, 'begin', async (tx) => {
    const { events: answers } = await shop.bus.publish(events, { tx })
    expect(answers.every(({ deliveries }) => deliveries === 2)).toBe(true)
  })

  expect(await turns()).toEqual(events.map(({ data }) => data.turn))
  expect(await storedCounts(shop.database)).toEqual({ events: 10_000, deliveries: 20_000 })
})

/** In the order of publishing. */
async function turns(): Promise<number[]> {
  const events = await storedEvents(shop.database)
  return events.map(({ payload }) => (JSON.parse(payload) as { json: { turn: number } }).json.turn)
}

async function connectionsOfTheBus({ database }: TestBus): Promise<number> {
  const { rowCount } = await database.query(
    `select from pg_stat_activity where datname = current_database() and application_name = 'postbus'`,
  )
  return rowCount ?? -1
}
