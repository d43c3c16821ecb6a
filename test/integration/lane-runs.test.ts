/** Runs: a claim brings the next deliveries of a lane too, and moves along as they end. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'
import { historyIn } from '../support/history.ts'
import { Hand } from '../support/lane-hands.ts'
import { openLanes, type Lanes } from '../support/lanes.ts'
import { emptyTables } from '../support/stored.ts'

let lanes: Lanes

beforeAll(async () => {
  lanes = await openLanes()
}, 60_000)

beforeEach(() => emptyTables(lanes.database))

afterAll(() => lanes.close())

test('a claim brings the next deliveries of the lane, and only the first one is active', async () => {
  const events = await published('red', 5)
  await published('green', 1)

  const { deliveries } = await lanes.claim(lanes.database, 10, undefined, 3)

  expect(deliveries.map(({ behind }) => behind.length)).toEqual([3, 0])
  expect(eventsOf([deliveries[0]!, ...deliveries[0]!.behind])).toEqual(events.slice(0, 4))
  expect(new Set(deliveries[0]!.behind.map(({ claim }) => claim))).toEqual(new Set([deliveries[0]!.claim]))
  expect(await statesOf('red')).toEqual(['active', 'created', 'created', 'created', 'created'])
})

test('ended deliveries of a run are settled together, the claim moves to the running one, and more of the lane is brought', async () => {
  const events = await published('red', 6)
  const hand = await aHand(3)
  hand.goOn()
  hand.goOn()

  const { ours, behind, cut } = await lanes.settle(lanes.database, [hand.moving()])

  const last = hand.ran.at(-1)!.id
  expect([...ours]).toEqual([last])
  expect(eventsOf(behind.get(last)!)).toEqual(events.slice(4))
  expect(cut.size).toBe(0)
  expect(await statesOf('red')).toEqual(['active', 'created', 'created', 'created'])
  expect(await historyIn(lanes.database)).toMatchObject([{ attempts: null }, { attempts: null }])
})

test('a run that ends hands its lane on, with the next deliveries', async () => {
  const events = await published('red', 6)
  const hand = await aHand(1)
  hand.goOn()

  const { next } = await settle({ ...hand.ending(done(hand.running)), takeNext: true })

  const following = next.get(hand.running.id)!
  expect(eventsOf([following, ...following.behind])).toEqual(events.slice(2, 5))
})

test('a settle can be sent again if its answer was lost', async () => {
  await published('red', 4)
  const hand = await aHand(3)
  hand.goOn()

  await lanes.settle(lanes.database, [hand.moving()])
  const { ours, behind } = await lanes.settle(lanes.database, [hand.moving()])

  expect(ours.size).toBe(1)
  expect([...behind.values()].flat()).toEqual([])
  expect(await historyIn(lanes.database)).toHaveLength(1)
  expect(await statesOf('red')).toEqual(['active', 'created', 'created'])
})

test('after the claim was lost, nothing that the run does counts', async () => {
  await published('red', 4)
  const hand = await aHand(3)
  hand.goOn()
  hand.goOn()
  await lanes.recover(lanes.database, [hand.active.id])
  await lanes.claim(lanes.database)

  const moved = await lanes.settle(lanes.database, [hand.moving()])
  const ended = await settle(hand.ending(done(hand.running)))

  expect([...moved.ours, ...ended.ours]).toEqual([])
  expect(await historyIn(lanes.database)).toEqual([])
  expect(await statesOf('red')).toEqual(['active', 'created', 'created', 'created'])
})

test('a run whose claim was taken over counts until its first delivery is claimed again', async () => {
  await published('red', 4)
  const hand = await aHand(3)
  hand.goOn()
  hand.goOn()
  await lanes.recover(lanes.database, [hand.active.id])

  const { ours } = await lanes.settle(lanes.database, [hand.moving()])

  expect(ours.size).toBe(1)
  expect(await historyIn(lanes.database)).toHaveLength(2)
  expect(await statesOf('red')).toEqual(['active', 'created'])
})

test('a failed delivery in a run keeps its place, and the ones behind it count as not run', async () => {
  const events = await published('red', 4)
  const hand = await aHand(3)
  hand.goOn()

  const { ours } = await settle(hand.ending(failed(hand.running)))

  expect(ours).toEqual(new Set([hand.running.id]))
  expect(await statesOf('red')).toEqual(['retry', 'created', 'created'])
  const { deliveries } = await lanes.claim(lanes.database, 10, undefined, 3)
  expect(eventsOf(deliveries)).toEqual([events[1]])
  expect(deliveries[0]).toMatchObject({ attempt: 2, behind: [] })
})

test('an older delivery that is committed late cuts a run, and is next', async () => {
  const late = await lanes.connect()
  await late.query('begin')
  const older = await lanes.publish('red', late)
  await published('red', 4)
  const hand = await aHand(3)
  hand.goOn()
  await late.query('commit')

  const { ours, cut, behind } = await lanes.settle(lanes.database, [hand.moving()])
  hand.moved(1, [], true)
  const { next } = await settle({ ...hand.ending(done(hand.running)), takeNext: true })

  expect([ours.size, cut.size, behind.get([...ours][0]!)]).toEqual([1, 1, []])
  expect(eventsOf([...next.values()])).toEqual([older])
})

test('a delivery that was tried before runs alone, and the one that it follows does too', async () => {
  const events = await published('red', 4)
  const hand = await aHand(3)
  await lanes.recover(lanes.database, [hand.active.id])

  const { deliveries: again } = await lanes.claim(lanes.database, 10, undefined, 3)
  const { next } = await settle({ ...done(again[0]!), takeNext: true, behind: 3 })
  const following = [...next.values()][0]!

  expect(again[0]).toMatchObject({ attempt: 2, behind: [] })
  expect(eventsOf([following, ...following.behind])).toEqual(events.slice(1))
})

test('a delivery that was tried before is not brought behind another', async () => {
  const late = await lanes.connect()
  await late.query('begin')
  const older = await lanes.publish('red', late)
  await published('red', 3)
  const hand = await aHand(0)
  await lanes.recover(lanes.database, [hand.active.id])
  await late.query('commit')

  const { deliveries } = await lanes.claim(lanes.database, 10, undefined, 3)

  expect(eventsOf(deliveries)).toEqual([older])
  expect(deliveries[0]).toMatchObject({ attempt: 1, behind: [] })
})

test('a run ends before a delivery that is not due', async () => {
  const events = await published('red', 4)
  await lanes.database.query(
    `update pgboss.job set start_after = now() + interval '1 hour' where data ->> 'event' = $1`,
    [events[2]],
  )

  const hand = await aHand(3)

  expect(eventsOf(hand.ahead)).toEqual([events[1]])
})

test('a parked delivery behind a run is promoted when the run ends', async () => {
  await published('red', 4)
  const hand = await aHand(1)
  await lanes.claim(lanes.database) // this claim parks the rest
  hand.goOn()

  await settle(hand.ending(done(hand.running)))

  const { deliveries } = await lanes.claim(lanes.database)
  expect(deliveries).toHaveLength(1)
})

test('a run whose next delivery was deleted by hand loses its claim, and a sweep lets the lane go on', async () => {
  const events = await published('red', 4)
  const hand = await aHand(2)
  await lanes.claim(lanes.database)
  hand.goOn()
  await lanes.database.query('delete from pgboss.job where id = $1', [hand.running.id])

  await lanes.settle(lanes.database, [hand.moving()])
  hand.moved(1, [], false)
  const { ours } = await settle(hand.ending(done(hand.running)))
  await lanes.sweep(lanes.database)

  expect(ours.size).toBe(0)
  const { deliveries } = await lanes.claim(lanes.database)
  expect(eventsOf(deliveries)).toEqual([events[2]])
})

async function published(key: string, count: number): Promise<readonly string[]> {
  const events: string[] = []
  for (let turn = 0; turn < count; turn += 1) events.push(await lanes.publish(key, undefined, turn))
  return events
}

/** The run of the only lane that can be claimed. */
async function aHand(behind: number): Promise<Hand> {
  const { deliveries } = await lanes.claim(lanes.database, 10, undefined, behind)
  expect(deliveries).toHaveLength(1)
  return new Hand(deliveries[0]!)
}

function settle(settlement: Settlement) {
  return lanes.settle(lanes.database, [settlement])
}

function done(delivery: ClaimedDelivery): Settlement {
  return { delivery, is: 'done', tookMs: 1 }
}

function failed(delivery: ClaimedDelivery): Settlement {
  const error = { attempt: 1, at: '', code: null, message: 'failed', stack: null }
  return { delivery, is: 'retry', delayMs: 0, error }
}

function eventsOf(deliveries: readonly ClaimedDelivery[]): readonly (string | undefined)[] {
  return deliveries.map(({ event }) => event?.id)
}

async function statesOf(key: string): Promise<readonly string[]> {
  const live = await lanes.live()
  return live.filter(({ lane }) => lane.endsWith(`:${key}`)).map(({ state }) => state)
}
