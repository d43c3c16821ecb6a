/**
 * The number of rows that pruning reads does not depend on how many events stay, or on Postgres's statistics: the plans here
 * are made while the tables are empty, as in a worker that starts on an empty database.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NoteTaken } from '../support/notes.ts'
import { openAttic, type Attic } from '../support/pruning.ts'

const STAYING = 10_000
const ENDED = 2_000
let attic: Attic

beforeAll(async () => {
  attic = await openAttic()
})

afterAll(() => attic.close())

test('pruning an event reads a few rows, however many events stay before and after it', async () => {
  const session = await attic.connect()
  for (let turn = 0; turn < 3; turn += 1) await attic.prune(session)
  await publish(STAYING)
  await attic.hoursPass(2)
  for (let turn = 0; turn < STAYING / 1_000; turn += 1) await attic.prune(session, { begins: 'behind' })
  await publish(ENDED)
  await attic.database.query(`update pgboss.job set state = 'completed', completed_on = now() where
    id >= (select (lpad(to_hex(max(seq) - ${ENDED} + 1), 16, '0') || repeat('0', 16))::uuid from postbus.event)`)
  await attic.hoursPass(2)
  await publish(STAYING)

  const before = await rowsRead()
  const turns = [
    await attic.prune(session, { begins: 'behind' }),
    await attic.prune(session, { begins: 'behind' }),
    await attic.prune(session, { begins: 'behind' }),
  ]
  const read = (await rowsRead()) - before

  expect(turns.map((turn) => turn?.pruned)).toEqual([1_000, 1_000, 0])
  expect(read / ENDED).toBeLessThan(40)
})

test('with nothing to prune, a turn reads no more than a batch of events, and no delivery', async () => {
  await attic.empty()
  await publish(STAYING)
  const session = await attic.connect()
  const [events, deliveries] = [await rowsRead('event'), await rowsRead('delivery')]

  expect(await attic.prune(session)).toEqual({ pruned: 0, more: false })

  expect((await rowsRead('event')) - events).toBeLessThanOrEqual(1_000)
  expect((await rowsRead('delivery')) - deliveries).toBe(0)
})

async function publish(count: number): Promise<void> {
  for (let start = 0; start < count; start += 1_000) {
    await attic.bus.publish(Array.from({ length: 1_000 }, (_, n) => NoteTaken({ n, key: n % 2 ? `key ${n}` : null })))
  }
}

/** Rows of events, dead letters and deliveries that all sessions have read so far, by any plan. */
async function rowsRead(of: 'event' | 'delivery' | 'all' = 'all'): Promise<number> {
  for (let turn = 0; turn < 2; turn += 1) await attic.database.query('select pg_stat_force_next_flush()')
  const { rows } = await attic.database.query<{ read: string }>(
    `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as read from pg_stat_all_tables
    where case $1 when 'event' then relname = 'event' when 'delivery' then schemaname = 'pgboss' and relname = 'job_common'
      else relname in ('event', 'dead_letter') or schemaname = 'pgboss' and relname = 'job_common' end`,
    [of],
  )
  return Number(rows[0]?.read)
}
