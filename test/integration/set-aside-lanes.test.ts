/** A lane whose head is set aside: it keeps its order, operators can act on it, and a sweep leaves it alone. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LaneCrew } from '../support/lane-crew.ts'
import { done, HANDLER, openLanes, type Lanes } from '../support/lanes.ts'
import { emptyTables } from '../support/stored.ts'

let lanes: Lanes
let crew: LaneCrew

beforeAll(async () => {
  lanes = await openLanes()
})

afterAll(() => lanes.close())

beforeEach(async () => {
  await emptyTables(lanes.database)
  crew = new LaneCrew(lanes)
})

test('the head is set aside and the next one parked, and both are parked when an older one is committed late', async () => {
  const publisher = await lanes.connect()
  await publisher.query('begin')
  await lanes.publish('red', publisher)
  await crew.publish('red', [1, 2])
  await lanes.claim(lanes.database, 10, 0)
  const before = await howTheyWait()

  await publisher.query('commit')
  const [oldest] = await crew.claim(1)
  const after = await howTheyWait()
  await crew.finish(1, done(oldest!))
  await crew.drain()

  expect([before, after]).toEqual([
    ['set aside', 'parked'],
    ['active', 'parked', 'parked'],
  ])
  expect(await crew.problems()).toEqual([])
})

test('settling takes the next delivery of the lane even if it is set aside', async () => {
  await crew.publish('red', [1, 2])
  const [first] = await crew.claim(1)
  await lanes.database.query(`update pgboss.job set blocked = true, group_tier = 'set aside' where state = 'created'`)

  const { next } = await lanes.settle(lanes.database, [done(first!, true)])

  expect(next.size).toBe(1)
  expect(await howTheyWait()).toEqual(['active'])
})

test('a sweep leaves it set aside', async () => {
  await crew.publish('red', [1])
  await lanes.claim(lanes.database, 10, 0)

  expect(await lanes.sweep(lanes.database)).toBe(0)
  expect(await howTheyWait()).toEqual(['set aside'])
})

test('an operator sees it as waiting, can retry it, and can skip it', async () => {
  await crew.publish('red', [1, 2])
  await lanes.claim(lanes.database, 10, 0)
  const lane = { handler: HANDLER, partitionKey: 'red' }

  const shown = await lanes.shop.bus.lanes.show(lane)
  const retried = await lanes.shop.bus.lanes.retry(lane)
  const skipped = await lanes.shop.bus.lanes.skipHead(lane)
  const [second] = await crew.claim(1)

  expect(shown).toMatchObject({ state: 'waiting', behind: 1 })
  expect([retried, skipped]).toEqual([{ count: 1 }, { count: 1 }])
  expect(second).toBeDefined()
  expect(await howTheyWait()).toEqual(['active'])
})

/** The live deliveries of the lane, oldest first. */
async function howTheyWait(): Promise<readonly string[]> {
  const { rows } = await lanes.database.query<{ how: string }>(
    `select case when blocked then coalesce(group_tier, 'parked') else state::text end as how
    from pgboss.job where state < 'completed' order by id`,
  )
  return rows.map(({ how }) => how)
}
