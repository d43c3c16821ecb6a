/** What a reader makes of events that have a delivery of their publisher, and of those that were handled in former shards. */
import { expect, test } from 'vitest'
import type { LogEvent, LogSubscription } from '../../../src/deliveries/log-reading.ts'
import { admitPassed, isBelowFloor, isDelivered, isInZone } from '../../../src/worker/log/change-zone.ts'
import { type Handling, Shard } from '../../../src/worker/log/shard.ts'

const HELD = { queue: 'events_partitioned', id: 'id of 7', isHeld: true } as const

test('a held delivery is let in once: when the cursor has passed its event, nothing of its key runs, and all that went behind is written', async () => {
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

test('one without a key waits for the cursor alone', async () => {
  const { shard, admitted, admit } = aShard()
  isDelivered(shard, event(7, null), new Map([[7, HELD]]))

  await admit()
  expect(admitted).toEqual([])

  shard.acknowledged = 7
  await admit()
  expect(admitted).toEqual(['id of 7'])
})

test('the key of an event that has a delivery is in its lane, and what waited here for its turn goes there', () => {
  const { shard } = aShard()
  const waiting = shard.take(event(6), false)
  shard.key('red').queue.push(waiting)

  expect(isDelivered(shard, event(7), new Map([[7, { ...HELD, isHeld: false }]]))).toBe(true)

  expect(shard.key('red')).toMatchObject({ inLane: true, unwritten: 1, queue: [] })
  expect(waiting.state).toBe('behind')
  expect(shard.held).toEqual([])
})

test('one whose delivery is over is passed over, and one without is read', () => {
  const { shard } = aShard()

  expect(isDelivered(shard, event(7), new Map([[7, { queue: null, id: 'id of 7', isHeld: false }]]))).toBe(true)
  expect(isDelivered(shard, event(8), new Map())).toBe(false)
  expect(isDelivered(shard, event(8), undefined)).toBe(false)
})

test('a zone has an end, or goes on', () => {
  const inZone = (zoneFrom: number | null, zoneTo: number | null) =>
    [4, 5, 9, 10].filter((number) => isInZone({ subscription: subscription({ zoneFrom, zoneTo }) }, event(number)))

  expect(inZone(null, null)).toEqual([])
  expect(inZone(4, null)).toEqual([5, 9, 10])
  expect(inZone(4, 9)).toEqual([5, 9])
})

test('a floor is that of the former shard', () => {
  const handling = { subscription: subscription({ floors: [10, 20] }) }

  expect(isBelowFloor(handling, { ...event(10), hash: 4 })).toBe(true)
  expect(isBelowFloor(handling, { ...event(11), hash: 4 })).toBe(false)
  expect(isBelowFloor(handling, { ...event(20), hash: 5 })).toBe(true)
  expect(isBelowFloor({ subscription: subscription({}) }, event(1))).toBe(false)
})

function aShard() {
  const handling = { subscription: subscription({ zoneFrom: 0 }) } as unknown as Handling
  const shard = new Shard(handling, { handler: 'notes.take', shard: 0, position: 0, fence: 1, deaths: 0 }, 3)
  const admitted: string[] = []
  const admit = () => admitPassed([shard], { admit: async (jobs) => void admitted.push(...jobs.map(({ id }) => id)) })
  return { shard, admitted, admit }
}

function subscription(given: Partial<LogSubscription>): LogSubscription {
  return {
    handler: 'notes.take',
    shards: 1,
    historyTo: 0,
    historyId: '',
    mode: 'held',
    isChanging: true,
    floors: null,
    zoneFrom: null,
    zoneTo: null,
    endsAt: null,
    isReleasing: false,
    ...given,
  }
}

function event(number: number, partitionKey: string | null = 'red'): LogEvent {
  return { number, partitionKey, hash: 0 } as LogEvent
}
