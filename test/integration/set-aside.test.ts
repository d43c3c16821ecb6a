/** Deliveries that claims set aside and take back, one claim at a time, tested on the SQL functions themselves. */
import type { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HandlerRoom } from '../../src/deliveries/delivery.ts'
import { LONGEST_LOOK } from '../../src/backends/postgres/functions/set-aside.ts'
import { defineHandler } from '../../src/index.ts'
import { openQueues, type QueuesByHand } from '../support/queues-by-hand.ts'
import { FIRST_FAST, range, slowDeliveries } from '../support/limited.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const CLUSTER_OF_2 = [{ handler: 'notes.slow', free: null, cluster: 2 }]

let queues: QueuesByHand

beforeEach(async () => {
  const handle = () => undefined
  queues = await openQueues([
    defineHandler('notes.slow', { on: NoteTaken, handle, interested: ({ data }) => data.n < FIRST_FAST }),
    defineHandler('notes.fast', {
      on: NoteTaken,
      handle,
      priority: 1,
      interested: ({ data }) => data.n >= FIRST_FAST && data.n < 2 * FIRST_FAST,
    }),
    defineHandler('notes.urgent', { on: NoteTaken, handle, interested: ({ data }) => data.n >= 2 * FIRST_FAST }),
  ])
})

afterEach(() => queues.close())

describe.each([
  ['events', () => null],
  ['events_partitioned', (n: number) => `key ${n}`],
] as const)('in %s', (queue, keyOf) => {
  test('deliveries without a free slot are set aside, and the next claim looks behind them', async () => {
    await publish(range(500))
    await publish(range(3, FIRST_FAST))

    const first = await claimed(10, slots(2))
    const [second] = [await claimed(10, slots(0)), await claimed(10, slots(0)), await claimed(10, slots(0))]
    const later = await claimed(10, slots(0))

    expect(first.numbers.filter((n) => n < FIRST_FAST)).toEqual([0, 1])
    expect(first).toMatchObject({ more: true, heldBack: ['notes.slow'] })
    expect(second.numbers.concat(later.numbers).every((n) => n >= FIRST_FAST)).toBe(true)
    expect(later).toEqual({ numbers: [], more: false, heldBack: ['notes.slow'] })
    expect(await slowDeliveries(queues.database)).toMatchObject({ waiting: 498, aside: 498, running: 2 })
  })

  test('they are taken back in order: up to the free slots, or, without a limit, up to the size of the claim', async () => {
    await publish(range(20))
    await claimed(10, slots(0))
    await claimed(10, slots(0))

    const two = await claimed(10, slots(2))
    const unlimited = await claimed(10, [])

    expect(two).toEqual({ numbers: [0, 1], more: false, heldBack: ['notes.slow'] })
    expect(unlimited.numbers).toEqual(range(10, 2))
  })

  test('they take their turn among the others: after more urgent ones, before younger ones', async () => {
    await publish(range(3))
    await claimed(10, slots(0))
    await publish([3 * FIRST_FAST])
    await publish([FIRST_FAST])
    await queues.database.query(`update pgboss.job set priority = 5 where data ->> 'handler' = 'notes.urgent'`)

    const one = await claimed(1, slots(3))
    const three = await claimed(3, slots(3))
    const rest = await claimed(3, slots(3))

    expect([one.numbers, three.numbers, rest.numbers]).toEqual([[3 * FIRST_FAST], [0, 1, 2], [FIRST_FAST]])
  })

  test('if the front of the queue is not enough, a claim is filled up from the deliveries set aside', async () => {
    await publish(range(2))
    await claimed(10, slots(0))
    await publish(range(5, FIRST_FAST))
    await queues.database.query(`update pgboss.job set priority = 5 where data ->> 'handler' = 'notes.fast'`)
    const full = [{ handler: 'notes.fast', free: 1, cluster: null }]

    const { numbers } = await claimed(5, full)

    expect(numbers.toSorted((a, b) => a - b)).toEqual([0, 1, FIRST_FAST])
  })

  test('simultaneous claims keep the cluster limit', async () => {
    expect(await atTheSameTime()).toBe(2)
  })

  test('without the locks that serialize claims they exceed it', async () => {
    await queues.patch(queue, /perform pg_advisory_xact_lock[^;]*'postbus limits[^;]*;/i, '')
    if (queue === 'events_partitioned') await queues.patch(queue, /perform pg_advisory_xact_lock[^;]*;/i, '')

    expect(await atTheSameTime()).toBe(4)
  })

  test('a claim that waited for another one sees what that one has set aside', async () => {
    await publish([0])
    const [one, other] = await Promise.all([queues.connect(), queues.connect()])
    await one.query('begin')
    await claimed(2, [{ handler: 'notes.slow', free: 0, cluster: 2 }], one)
    const second = claimed(2, CLUSTER_OF_2, other)
    await until('the second waits for the first', () => queues.someoneWaits())
    await one.query('commit')

    expect((await second).numbers).toEqual([0])
  })

  test('deliveries that run in the handler’s other queue count towards the cluster limit', async () => {
    const other = queue === 'events' ? 'events_partitioned' : 'events'
    await queues.publish(range(5).map((n) => NoteTaken({ n, key: other === 'events' ? null : `other ${n}` })))
    await queues.claim(queues.database, other, 1, CLUSTER_OF_2)
    await publish(range(5, 5))

    const { numbers } = await claimed(10, CLUSTER_OF_2)

    expect(numbers).toEqual([5])
  })

  test('a flood of 30,000 for a full handler is skipped once, and costs later claims nothing', async () => {
    const claim = (limit: number, rooms: readonly HandlerRoom[]) => queues.readingClaim(queue, limit, rooms)
    for (let turn = 0; turn < 3; turn += 1) await claim(10, slots(1)) // plans are made while nothing waits
    await queues.flood(queue, 30_000)
    await publish(range(100, FIRST_FAST))

    const first = [await claim(10, slots(0))]
    while (first.at(-1)?.more && first.length < 600) first.push(await claim(10, slots(0)))
    const { aside } = await slowDeliveries(queues.database)
    const later = [
      await claim(10, slots(0)),
      await claim(10, slots(3)),
      await claim(10, []),
      await claim(1, CLUSTER_OF_2),
    ]

    expect(aside).toBe(30_000)
    expect(Math.max(...first.map(({ read }) => read))).toBeLessThan(LONGEST_LOOK * 4)
    expect(Math.max(...later.map(({ read }) => read))).toBeLessThan(150)
    expect(Math.min(...later.slice(1).map(({ read }) => read))).toBeGreaterThan(0)
  }, 300_000)

  /** Two claims: the second begins before the first has committed. Returns how many deliveries run afterwards. */
  async function atTheSameTime(): Promise<number> {
    await publish(range(20))
    const [one, other] = await Promise.all([queues.connect(), queues.connect()])
    await one.query('begin')
    await queues.claim(one, queue, 2, CLUSTER_OF_2)
    const second = queues.claim(other, queue, 2, CLUSTER_OF_2)
    await Promise.race([second, until('the second waits for the first', () => queues.someoneWaits())])
    await one.query('commit')
    await second
    return (await slowDeliveries(queues.database)).running
  }

  async function publish(numbers: readonly number[]): Promise<void> {
    await queues.publish(numbers.map((n) => NoteTaken({ n, key: keyOf(n) })))
  }

  async function claimed(limit: number, rooms: readonly HandlerRoom[], over?: Client) {
    const { deliveries, more, heldBack } = await queues.claim(over ?? queues.database, queue, limit, rooms)
    const numbers = deliveries.map(({ event }) => Number(JSON.parse(event?.payload ?? '').json.n))
    return { numbers, more, heldBack: [...new Set(heldBack)] }
  }
})

function slots(free: number): readonly HandlerRoom[] {
  return [{ handler: 'notes.slow', free, cluster: null }]
}
