/** An older delivery of a key that was committed late waits for the running one: neither a walk nor a sweep lets it begin. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import { done, heldFront, openLanes, type Lanes } from '../support/lanes.ts'

let lanes: Lanes

beforeEach(async () => {
  lanes = await openLanes()
})

afterEach(() => lanes.close())

test('a walk does not claim it', async () => {
  await aLateHead('late')
  await heldFront(lanes, 'busy')
  await lanes.publish('other')

  const { deliveries } = await lanes.claim(lanes.database, 5)

  expect(deliveries.map(({ event }) => event?.partitionKey)).toEqual(['other'])
})

test('a sweep does not promote it; the settle of the running one does', async () => {
  const running = await aLateHead('late')

  expect(await lanes.sweep(lanes.database)).toBe(0)

  await lanes.settle(lanes.database, [done(running)])
  expect(await lanes.live()).toMatchObject([{ state: 'retry', blocked: false }])
})

/** Returns the delivery that runs. The older one is parked behind it. */
async function aLateHead(key: string): Promise<ClaimedDelivery> {
  const publisher = await lanes.connect()
  await publisher.query('begin')
  await lanes.publish(key, publisher)
  await lanes.publish(key)
  const { deliveries } = await lanes.claim(lanes.database)
  await publisher.query('commit')
  await lanes.claim(lanes.database)

  expect(await lanes.live()).toMatchObject([
    { state: 'created', blocked: true },
    { state: 'active', blocked: false },
  ])
  return deliveries[0]!
}
