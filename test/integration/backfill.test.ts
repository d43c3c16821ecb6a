/**
 * A handler that is added later gets earlier events first, each once, and then new events, in order per key. Publishers that do not know
 * the handler yet go on publishing meanwhile.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Backfills } from '../../src/backends/postgres/record/backfill.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { createRegistry } from '../../src/handlers/registry.ts'
import { drained } from '../support/drained.ts'
import { NoteTaken } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

const SINCE = new Date('2020-01-01')
let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('the handler gets the history first, marked as a replay, then new events, and other handlers get nothing', async () => {
  const old = stored.busWith([stored.noting('notes.mail', { queue: 'mail' })])
  await stored.publish(old, numbers(5))
  await drained(old)
  stored.took()
  const bus = withBackfill()
  await stored.publish(bus, [6, 7])

  await drained(bus)

  expect(stored.ran.map(({ n, isReplay }) => [n, isReplay])).toEqual([
    ...numbers(5).map((n) => [n, true]),
    [6, false],
    [7, false],
  ])
})

test('new deliveries wait in their lane until the history has run', async () => {
  const old = stored.busWith([])
  await stored.publish(old, numbers(3))
  const bus = withBackfill()
  await stored.publish(bus, [4])
  const notBackfilling = stored.busWith([stored.noting()])

  await drained(notBackfilling)
  expect(stored.took()).toEqual([])

  await drained(bus)
  expect(stored.took()).toEqual(numbers(4))
})

test('later events of publishers that do not know the handler are found in order, for as long as the backfill follows', async () => {
  const [old, bus] = [stored.busWith([]), withBackfill({ followMs: 60_000 })]
  await stored.publish(old, [1])
  await drained(bus)

  await stored.publish(old, [2])
  await stored.publish(bus, [3])
  await stored.publish(old, [4])
  await stored.publish(bus, [5])
  await drained(bus)

  expect(stored.took()).toEqual(numbers(5))
})

test('the backfill waits for events that commit late, and gives them before later ones', async () => {
  const [old, bus] = [stored.busWith([]), withBackfill()]
  await stored.publish(old, [1])
  const publisher = await stored.connect()
  await publisher.query('begin')
  await old.publish(NoteTaken({ n: 2, key: 'one' }), { tx: publisher })
  await stored.publish(bus, [3])

  await drained(bus)
  const first = stored.took()
  await publisher.query('commit')
  await drained(bus)

  expect(first).not.toContain(3)
  expect([...first, ...stored.took()]).toEqual(numbers(3))
})

test('waiting deliveries become due only after every older transaction has ended: a settle could take one before inserted deliveries', async () => {
  const [old, bus] = [stored.busWith([]), withBackfill({ followMs: 60_000 })]
  await drained(bus)
  await stored.publish(old, [1])
  await stored.publish(bus, [2])
  const handler = stored.noting('notes.take', { backfill: { since: SINCE } })
  const backfills = new Backfills(tablesIn({ postbus: 'postbus', pgboss: 'pgboss' }))
  const step = () =>
    backfills.step(stored.database, { handler, registry: createRegistry([handler]), codec: createCodec() })
  await stored.database.query('update postbus.backfill set leased_until = now()')
  await until('the batch is given', async () => (await step()) === 'more')
  const older = await stored.connect()
  await older.query('begin; select pg_current_xact_id()')

  expect(await step()).toBe('waits')
  expect(await gated()).toBe(1)

  await older.query('commit')
  await until('it is due', async () => {
    await step()
    return (await gated()) === 0
  })
})

test('after the backfill publishers write its deliveries, and a delivery that one left gated is found', async () => {
  const bus = withBackfill({ followMs: 0 })
  const publisher = await stored.connect()
  await publisher.query('begin isolation level repeatable read')
  await publisher.query('select 1 from postbus.event')
  await until('the backfill is done', async () => {
    await bus.worker().drain()
    return (await stateOf()) === 'done'
  })
  await bus.publish(NoteTaken({ n: 1, key: 'two' }), { tx: publisher })
  await publisher.query('commit')
  await stored.publish(bus, [2])

  await drained(bus)

  expect(stored.took().toSorted((one, other) => one - other)).toEqual([1, 2])
})

test('events that the handler got before it had a backfill are not given again, whether done or dead', async () => {
  const before = stored.busWith([
    stored.noting('notes.take', { maxAttempts: 1 }, (n) => n === 2 && Promise.reject(new Error('no'))),
  ])
  await stored.publish(before, [1, 2])
  await drained(before)
  await stored.publish(stored.busWith([]), [3])
  stored.took()

  const bus = withBackfill()
  await drained(bus)

  expect(stored.took()).toEqual([3])
  expect(await bus.deadLetters.count()).toBe(1)
})

test('the backfill begins at the time in its option', async () => {
  const old = stored.busWith([])
  await stored.publish(old, [1, 2, 3])
  await stored.database.query(
    `update postbus.event set published_at = timestamptz '2026-05-01 00:00Z' + (payload -> 'json' ->> 'n')::integer * interval '1 day'`,
  )

  const bus = withBackfill({ since: new Date('2026-05-03') })
  await until('it has caught up', async () => {
    await drained(bus)
    return stored.ran.length > 1
  })

  expect(stored.took()).toEqual([2, 3])
})

test('two workers share a backfill and one is killed: each event comes once, in order', async () => {
  const old = stored.busWith([])
  for (const key of ['a', 'b', 'c']) await stored.publish(old, numbers(300), key)
  const bus = withBackfill()
  await stored.database.query(
    `insert into postbus.backfill (handler, since, runner, leased_until) values ('notes.take', '2020-01-01', gen_random_uuid(), now() + interval '1 s')`,
  )

  await using one = bus.worker()
  await using other = withBackfill().worker()
  await Promise.all([one.start(), other.start()])
  await until('all have run', () => stored.ran.length >= 900)

  expect(stored.took().toSorted((a, b) => a - b)).toEqual(numbers(300).flatMap((n) => [n, n, n]))
})

function withBackfill(backfill: { since?: Date; followMs?: number } = {}) {
  return stored.busWith([stored.noting('notes.take', { backfill: { since: SINCE, ...backfill } })])
}

async function gated(): Promise<number> {
  const { rows } = await stored.database.query(`select from pgboss.job where start_after = '9999-12-31 00:00:00+00'`)
  return rows.length
}

async function stateOf(): Promise<string | undefined> {
  const { rows } = await stored.database.query<{ state: string }>('select state from postbus.backfill')
  return rows[0]?.state
}
