/** The index of the log: built after publishing, complete, and pruned with the events. */
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { LogIndex } from '../../src/backends/postgres/record/log-index.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'
import { openAttic, type Attic } from '../support/pruning.ts'

const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
let attic: Attic

beforeAll(async () => {
  attic = await openAttic({}, { ownServer: true })
  return () => attic.close()
})

beforeEach(async () => void (await attic.database.query('insert into postbus.log_place default values')))

afterEach(async () => {
  await attic.database.query('truncate postbus.lookup, postbus.log_chunk, postbus.log_place')
  await attic.empty()
})

test('an event that commits late, with a smaller seq than indexed ones, is indexed too', async () => {
  const index = new LogIndex(tables)
  const late = await attic.connect()
  await late.query('begin')
  await attic.bus.publish(NoteTaken({ n: 1, key: 'late' }), { tx: late })
  await attic.publish({ n: 2, key: 'early' })

  const before = await index.move(attic.database)
  await late.query('commit')

  expect(before).toEqual({ events: 0, more: false })
  await moved(index, 2)
  expect(await indexed()).toBe(2)
  expect((await attic.bus.events.list({ partitionKey: 'late' })).events).toHaveLength(1)
})

test('an emptied log whose numbers begin again is indexed from its beginning', async () => {
  const index = new LogIndex(tables)
  await attic.bus.publish(Array.from({ length: 20 }, (_, n) => NoteTaken({ n, key: 'old' })))
  await moved(index, 20)
  await attic.database.query('truncate postbus.event restart identity')
  await attic.publish({ n: 1, key: 'new' })

  await moved(index, 1)

  expect(await indexed()).toBe(1)
  expect(await attic.bus.events.count({ partitionKey: 'old' })).toBe(0)
  expect(await attic.bus.events.list({ partitionKey: 'new' })).toMatchObject({ events: [{ seq: '1' }] })
})

test('an event that is not indexed yet is found by its time, even if the clock stepped back', async () => {
  const index = new LogIndex(tables)
  await attic.publish({ n: 1 })
  await moved(index, 1)
  const id = await attic.publish({ n: 2 })
  await attic.database.query(`update postbus.event set published_at = now() - interval '1 hour' where id = $1`, [id])

  const { events } = await attic.bus.events.list({ until: new Date(Date.now() - 1_800_000) })

  expect(events).toMatchObject([{ id }])
})

test('two workers that index at the same time index each event once', async () => {
  await attic.bus.publish(Array.from({ length: 300 }, (_, n) => NoteTaken({ n, key: `k${n % 7}` })))
  const indexes = [new LogIndex(tables), new LogIndex(tables)]

  let events = 0
  await until('all are indexed', async () => {
    const moves = await Promise.all(indexes.map((index) => index.move(attic.database)))
    events += moves.reduce((sum, move) => sum + move.events, 0)
    return events >= 300
  })

  expect(events).toBe(300)
  expect(await indexed()).toBe(300)
})

test('a worker does not wait while another one indexes, and indexes nothing', { timeout: 5_000 }, async () => {
  const index = new LogIndex(tables, 1)
  await attic.bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
  await moved(index, 1)
  const other = await attic.connect()
  await other.query('begin; select from postbus.log_place for update')

  expect(await index.move(attic.database)).toEqual({ events: 0, more: false })
  await other.query('rollback')
  expect(await moved(index, 1)).toEqual({ events: 1, more: true })
})

test('batches continue until the end of the log', async () => {
  const index = new LogIndex(tables, 100)
  await attic.bus.publish(Array.from({ length: 250 }, (_, n) => NoteTaken({ n })))

  expect(await moved(index, 100)).toEqual({ events: 100, more: true })
  expect(await moved(index, 100)).toEqual({ events: 100, more: true })
  expect(await moved(index, 50)).toEqual({ events: 50, more: false })
  expect(await attic.bus.events.count()).toBe(250)
})

test('index entries of pruned events are pruned too', async () => {
  const index = new LogIndex(tables)
  await attic.publish({ n: 1, key: 'red' })
  await attic.completeAll()
  await moved(index, 1)
  await attic.hoursPass(2)
  await attic.publish({ n: 2, key: 'red' })
  await moved(index, 1)

  await attic.pruneAll()

  expect(await indexed()).toBe(1)
  expect(await attic.bus.events.count({ partitionKey: 'red' })).toBe(1)
  const { rows } = await attic.database.query('select count(*)::integer as count from postbus.log_chunk')
  expect(rows).toEqual([{ count: 1 }])
})

/** Moves until one move indexes this many events. Other work of the server, such as vacuum, holds the watermark back for a moment. */
async function moved(index: LogIndex, events: number) {
  let last = { events: 0, more: false }
  await until('it has moved', async () => (last = await index.move(attic.database)).events === events)
  return last
}

async function indexed(): Promise<number> {
  const { rows } = await attic.database.query<{ count: number }>(
    'select count(*)::integer as count from postbus.lookup',
  )
  return rows[0]?.count ?? 0
}
