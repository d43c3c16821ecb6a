/** A reader's treatment of events that have a delivery, and of events that were handled before the number of shards changed. */
import { expect, test } from 'vitest'
import type { LogEvent } from '../../../src/deliveries/log-reading.ts'
import { admitPassed, isBelowFloor, isDelivered, isInZone } from '../../../src/worker/log/change-zone.ts'
import { type Handling, Shard } from '../../../src/worker/log/shard.ts'
import { subscriptionOf } from '../../support/log-subscription.ts'

const HELD = { queue: 'events_partitioned', id: 'id of 7', isHeld: true } as const

test('a held delivery is released once: after the cursor has passed its event, no event of its key runs, and all jobs of the key are written', async () => {
  const { shard, admitted, admit } = aShard()
  expect(isDelivered(shard, event(7), new Map([[7, HELD]]))).toBe(true)
  const key = shard.key('red')

  shard.acknowledged = 6
  await admit()
  shard.acknowledged = 7
  key.isRunning = true
  await admit()
  key.isRunning = false
  key.unwritten = 1
  await admit()
  expect(admitted).toEqual([])

  key.unwritten = 0
  await admit()
  await admit()
  expect(admitted).toEqual(['id of 7'])
})

test('a held delivery without a key waits only for the cursor', async () => {
  const { shard, admitted, admit } = aShard()
  isDelivered(shard, event(7, null), new Map([[7, HELD]]))

  await admit()
  expect(admitted).toEqual([])

  shard.acknowledged = 7
  await admit()
  expect(admitted).toEqual(['id of 7'])
})

test('if an event of a key has a delivery, the key’s events go to its lane, also events that were read before and have not begun', () => {
  const { shard } = aShard()
  const waiting = shard.take(event(6), false)
  shard.key('red').queue.push(waiting)

  expect(isDelivered(shard, event(7), new Map([[7, { ...HELD, isHeld: false }]]))).toBe(true)

  expect(shard.key('red')).toMatchObject({ inLane: true, unwritten: 1, queue: [] })
  expect(waiting.state).toBe('behind')
  expect(shard.held).toEqual([])
})

test('an event whose delivery has ended is skipped, and an event without a delivery is read', () => {
  const { shard } = aShard()

  expect(isDelivered(shard, event(7), new Map([[7, { queue: null, id: 'id of 7', isHeld: false }]]))).toBe(true)
  expect(isDelivered(shard, event(8), new Map())).toBe(false)
  expect(isDelivered(shard, event(8), undefined)).toBe(false)
})

test('a zone ends at its last number, or is still open', () => {
  const inZone = (zoneFrom: number | null, zoneTo: number | null) =>
    [4, 5, 9, 10].filter((number) => isInZone({ subscription: subscriptionOf({ zoneFrom, zoneTo }) }, event(number)))

  expect(inZone(null, null)).toEqual([])
  expect(inZone(4, null)).toEqual([5, 9, 10])
  expect(inZone(4, 9)).toEqual([5, 9])
})

test('the floor of an event is the position of its old shard', () => {
  const handling = { subscription: subscriptionOf({ floors: [10, 20] }) }

  expect(isBelowFloor(handling, { ...event(10), hash: 4 })).toBe(true)
  expect(isBelowFloor(handling, { ...event(11), hash: 4 })).toBe(false)
  expect(isBelowFloor(handling, { ...event(20), hash: 5 })).toBe(true)
  expect(isBelowFloor({ subscription: subscriptionOf({}) }, event(1))).toBe(false)
})

function aShard() {
  const handling = { subscription: subscriptionOf({ zoneFrom: 0 }) } as unknown as Handling
  const shard = new Shard(handling, { handler: 'notes.take', shard: 0, position: 0, fence: 1, deaths: 0 }, 3)
  const admitted: string[] = []
  const admit = () => admitPassed([shard], { admit: async (jobs) => void admitted.push(...jobs.map(({ id }) => id)) })
  return { shard, admitted, admit }
}

function event(number: number, partitionKey: string | null = 'red'): LogEvent {
  return { number, partitionKey, hash: 0 } as LogEvent
}
