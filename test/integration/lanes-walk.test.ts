/** When the front of a partitioned queue can be neither claimed nor parked, a claim walks from lane to lane, and says whether it saw all. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLanes, type Lanes } from '../support/lanes.ts'

let lanes: Lanes

beforeEach(async () => {
  lanes = await openLanes()
})

afterEach(() => lanes.close())

test('a walk that fills the slots says that there may be more, until it has seen every lane', async () => {
  const settling = await lanes.connect()
  await lanes.publish('busy')
  await lanes.claim(lanes.database, 1)
  await settling.query(`begin; select from pgboss.job where state = 'active' for update`)
  for (let n = 0; n < 12; n += 1) await lanes.publish('busy')
  for (const key of ['one', 'two', 'three']) await lanes.publish(key)

  const first = await lanes.claim(lanes.database, 2)
  const second = await lanes.claim(lanes.database, 2)
  const third = await lanes.claim(lanes.database, 2)

  expect([first, second, third].map(({ deliveries, more }) => [deliveries.length, more])).toEqual([
    [2, true],
    [1, false],
    [0, false],
  ])
})
