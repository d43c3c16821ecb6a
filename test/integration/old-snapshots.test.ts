/** While an old snapshot is open, vacuum removes nothing that has finished. What looks for lost claims and parked heads must not reread all of it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { blocksRead } from '../support/blocks-read.ts'
import { breakFunction } from '../support/break-function.ts'
import { openMarks, type Marks } from '../support/marked-claims.ts'

const FINISHED = 500

let marks: Marks

beforeAll(async () => {
  marks = await openMarks('in lanes')
})
beforeEach(() => marks.empty())
afterEach(() => marks.tidy())
afterAll(() => marks.close())

test('a look for silent claims reads only those whose heartbeat is of the last seconds', async () => {
  await openOldSnapshot()
  await finish("interval '1 minute'")

  const session = await marks.connect()
  await blocksRead(session, look(20)) // plans are made
  const recent = await blocksRead(session, look(20))
  const all = await blocksRead(session, look(null))

  expect(recent).toBeLessThan(15)
  expect(all).toBeGreaterThan(2 * recent)
})

test('after a sweep that took long, the next one comes later', async () => {
  const { database } = marks
  const sweep = 'select postbus.sweep(300, 1)'
  await database.query(`update postbus.lane_sweep set swept_at = '-infinity'`)
  await database.query(sweep)
  const afterQuick = await pauseLeft()

  await database.query(`update postbus.lane_sweep set swept_at = '-infinity'`)
  await breakFunction(database, 'postbus.sweep', {
    piece: 'with recursive head',
    replacement: 'perform pg_sleep(0.2); with recursive head',
  })
  await database.query(sweep)
  const afterSlow = await pauseLeft()

  await database.query(`update postbus.lane_sweep set swept_at = '-infinity'`)
  await breakFunction(database, 'postbus.sweep', { piece: 'pg_sleep(0.2)', replacement: 'pg_sleep(1.5)' })
  await database.query(sweep)
  const afterVerySlow = await pauseLeft()

  expect(afterQuick).toBeLessThan(5)
  expect(afterSlow).toBeGreaterThan(8)
  expect(afterVerySlow).toBeGreaterThan(50)
  expect(afterVerySlow).toBeLessThanOrEqual(60)
})

async function openOldSnapshot(): Promise<void> {
  const reader = await marks.connect()
  await reader.query('begin isolation level repeatable read')
  await reader.query('select count(*) from pgboss.job')
}

/** Claims deliveries whose last heartbeat is so old, and ends them. */
async function finish(heartbeatAge: string): Promise<void> {
  const { database, publish, worker } = marks
  const claims = await worker()
  await Promise.all(Array.from({ length: FINISHED }, () => publish()))
  while ((await claims.claim()) > 0);
  await database.query(`update pgboss.job set heartbeat_on = clock_timestamp() - ${heartbeatAge}`)
  await database.query('delete from pgboss.job')
}

function look(sinceSeconds: number | null): string {
  return `select * from postbus.recover_silent('{}', '{}', '{}', '{}', '{}', null, 4, ${sinceSeconds}, '{}')`
}

/** How many seconds it is until the time from which the next sweep counts its second. */
async function pauseLeft(): Promise<number> {
  const { rows } = await marks.database.query<{ left: number }>(
    `select extract(epoch from swept_at - clock_timestamp())::float8 as left from postbus.lane_sweep`,
  )
  return rows[0]?.left ?? Number.NaN
}
