/** When the front of a partitioned queue can be neither claimed nor parked, a claim walks from lane to lane, and says whether it saw all. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLanes, type Lanes } from '../support/lanes.ts'

let lanes: Lanes

beforeEach(async () => {
  lanes = await openLanes()
})

afterEach(() => lanes.close())

test('what a walk has passed over for want of slots is found by its next round', async () => {
  const settling = await lanes.connect()
  await lanes.publish('busy')
  await lanes.claim(lanes.database, 1)
  await settling.query(`begin; select from pgboss.job where state = 'active' for update`)
  for (let n = 0; n < 12; n += 1) await lanes.publish('busy')
  const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`) // one more than the first claim's walk visits
  for (const key of keys) await lanes.publish(key)

  const found: string[] = []
  for (let more = true; more;) {
    const claimed = await lanes.claim(lanes.database, 2)
    found.push(...claimed.deliveries.map(({ event }) => event?.partitionKey ?? ''))
    more = claimed.more
  }

  expect(found.toSorted()).toEqual(keys.toSorted())
})

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

test('lanes of which none is due are walked once, not again and again, however many they are', async () => {
  const settling = await lanes.connect()
  for (let n = 0; n < 200; n += 1) await lanes.publish(`later-${n}`)
  await lanes.database.query(`update pgboss.job set start_after = now() + interval '1 hour'`)
  await lanes.publish('busy')
  await lanes.claim(lanes.database, 1)
  await settling.query(`begin; select from pgboss.job where state = 'active' for update`)
  for (let n = 0; n < 12; n += 1) await lanes.publish('busy')

  let [claims, more] = [0, true]
  for (; more && claims < 50; claims += 1) ({ more } = await lanes.claim(lanes.database, 2))
  await lanes.database.query(`update pgboss.job set start_after = now() where singleton_key like '%later-199'`)
  const last: string[] = []
  for (let claim = 0; claim < claims; claim += 1) {
    const { deliveries } = await lanes.claim(lanes.database, 2)
    last.push(...deliveries.map(({ event }) => event?.partitionKey ?? ''))
  }

  expect(more).toBe(false)
  expect(last).toEqual(['later-199'])
})
