/** An event type with a `finishedEvent`: when all handlers of an event have finished, the finished event is published, once. */
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  discard,
  skip,
  type AnyHandler,
  type Bus,
  type EndedDelivery,
  type Envelope,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

const Ended = defineEvent('imports.ended', {
  schema: z.object({ n: z.number(), states: z.record(z.string(), z.string()) }),
})
const Started = defineEvent('imports.started', {
  schema: z.object({ n: z.number(), key: z.string().nullable().default(null) }),
  partitionKey: ({ key }) => key,
  finishedEvent: ({ data }, deliveries) => follow(data.n, deliveries),
})
let follow = (n: number, deliveries: readonly EndedDelivery[]): Envelope =>
  Ended({ n, states: Object.fromEntries(deliveries.map(({ handler, state }) => [handler, state])) })

const heard: Envelope<'imports.ended', 1, { n: number; states: Record<string, string> }>[] = []
const hear = defineHandler('reports.hear', { on: Ended, handle: (event) => void heard.push(event) })
const doing = (name: string, work: (n: number) => unknown, options: { onDead?: 'block'; queue?: string } = {}) =>
  defineHandler(`imports.${name}`, {
    on: Started,
    maxAttempts: 2,
    backoff: () => 0,
    ...options,
    handle: ({ data }) => work(data.n),
  })

const FINISHER = 'postbus.finished.imports.started'
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus()
})
afterAll(() => shop.close())
beforeEach(async () => {
  await emptyTables(shop.database)
  heard.length = 0
})

test.each([
  ['without a key', null],
  ['in lanes', 'one'],
])('after all handlers have ended %s, the finished event has the outcome of each', async (_, key) => {
  const bus = busWith([
    doing('read', () => undefined),
    doing('check', () => skip('nothing to check')),
    doing('send', () => discard('no address')),
  ])

  const { events } = await bus.publish([Started({ n: 1, key }), Started({ n: 2, key })])
  await drained(bus)

  expect(events.map(({ deliveries }) => deliveries)).toEqual([3, 3])
  const states = { 'imports.read': 'done', 'imports.check': 'skipped', 'imports.send': 'dead' }
  expect(heard.map(({ data }) => data).toSorted((a, b) => a.n - b.n)).toEqual([1, 2].map((n) => ({ n, states })))
  expect(new Set(heard.map(({ causationId }) => causationId))).toEqual(new Set(events.map(({ id }) => id)))
  expect(await left()).toBe(0)
})

test('the finished event comes after the last delivery has ended, also after retries, and a wait includes it', async () => {
  const order: string[] = []
  const bus = busWith([
    doing('read', () => void order.push('read')),
    doing('check', () => {
      order.push('check')
      if (order.length < 3) throw new Error('again')
    }),
  ])
  const { events } = await bus.publish(Started({ n: 1 }))
  const status = await bus.events.status(events[0]?.id ?? '')
  expect(status?.deliveries.map(({ handler, state }) => [handler, state])).toEqual([
    ['imports.check', 'waiting'],
    ['imports.read', 'waiting'],
    [FINISHER, 'waiting'],
  ])

  await drained(bus)

  expect(order).toHaveLength(3)
  expect(heard).toHaveLength(1)
  expect(await bus.events.status(events[0]?.id ?? '')).toMatchObject({ isFinished: true })
})

test('without receivers the finished event comes at once, and publishing the event again brings no second one', async () => {
  const bus = busWith([])
  const event = Started({ n: 1 })

  await bus.publish(event)
  await bus.publish(event)
  await drained(bus)
  await bus.publish(event)
  await drained(bus)

  expect(heard.map(({ data }) => data)).toEqual([{ n: 1, states: {} }])
})

test('an event whose transaction is rolled back has no finished event', async () => {
  const bus = busWith([doing('read', () => undefined)])
  const client = await shop.database.connect()
  await client.query('begin')
  await bus.publish(Started({ n: 1 }), { tx: client })
  await client.query('rollback')
  client.release()

  await drained(bus)

  expect(heard).toEqual([])
  expect(await left()).toBe(0)
})

test('a failed finisher is tried again, and one that runs again after it has published publishes nothing new', async () => {
  const bus = busWith([doing('read', () => undefined)])
  const once = follow
  onTestFinished(() => void (follow = once))
  let calls = 0
  follow = (n, deliveries) => {
    calls += 1
    if (calls === 1) throw new Error('not yet')
    return once(n, deliveries)
  }
  await bus.publish(Started({ n: 1 }))
  await drained(bus)
  expect(heard).toHaveLength(0)

  await shop.database.query('update pgboss.job_common set start_after = now()')
  await drained(bus)
  await (
    await bus.replay({ handler: FINISHER })
  ).done
  await drained(bus)

  expect(calls).toBe(3)
  expect(heard).toHaveLength(1)
})

test('if two transactions end the last two deliveries, the one that commits last sees the end', async () => {
  const bus = busWith([doing('read', () => undefined), doing('check', () => undefined)])
  await bus.publish(Started({ n: 1 }))
  const [one, other] = [await shop.database.connect(), await shop.database.connect()]
  onTestFinished(() => [one, other].forEach((client) => client.release(true)))
  const ends = async (client: PoolClient, handler: string) => {
    await client.query('begin')
    await client.query(`delete from pgboss.job_common where data ->> 'handler' = $1`, [handler])
    return client.query('select postbus.finish(array(select seq from postbus.event)) as finished')
  }

  const first = await ends(one, 'imports.read')
  const second = ends(other, 'imports.check')
  await until('the second one waits', async () => {
    const { rows } = await shop.database.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and query like 'select postbus.finish%'`,
    )
    return rows.length > 0
  })
  await one.query('commit')

  expect(first.rows).toEqual([{ finished: 0 }])
  expect((await second).rows).toEqual([{ finished: 1 }])
  await other.query('commit')
  await drained(bus)
  expect(heard).toHaveLength(1)
})

test('if workers end the last two deliveries at the same moment, no finished event is missing', async () => {
  const bus = busWith([
    doing('read', () => undefined, { queue: 'one' }),
    doing('check', () => undefined, { queue: 'two' }),
  ])
  await bus.migrate()
  await bus.publish(Array.from({ length: 60 }, (_, n) => Started({ n })))
  const workers = ['one', 'two', 'events'].map((queue) => bus.worker({ pollMs: 50, queues: { [queue]: 50 } }))
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.stop()))))
  await Promise.all(workers.map((worker) => worker.start()))

  await until('all are followed', () => heard.length >= 60)

  expect(new Set(heard.map(({ data }) => data.n)).size).toBe(60)
  expect(heard.every(({ data }) => Object.keys(data.states).length === 2)).toBe(true)
})

test('a dead delivery that blocks its key counts as ended, as for a wait', async () => {
  const bus = busWith([doing('read', () => discard('no'), { onDead: 'block' })])

  await bus.publish(Started({ n: 1, key: 'one' }))
  await drained(bus)

  expect(heard.map(({ data }) => data.states)).toEqual([{ 'imports.read': 'blocked' }])
})

test('a worker’s regular look finds an end that no settle has noticed', async () => {
  const bus = busWith([doing('read', () => undefined)])
  await bus.publish([Started({ n: 1 }), Started({ n: 2 })])
  await shop.database.query(
    `update pgboss.job_common set state = 'cancelled', completed_on = now() where data ->> 'handler' = 'imports.read'`,
  )
  await drained(bus)
  expect(heard).toHaveLength(0)

  await shop.database.query('select postbus.finish_sweep(0)')
  await drained(bus)

  expect(heard.map(({ data }) => data.states)).toEqual([1, 2].map(() => ({ 'imports.read': 'cancelled' })))
})

function busWith(handlers: readonly AnyHandler[]): Bus {
  const { connectionString } = shop
  const bus = createBus({
    connectionString,
    events: [Started],
    handlers: [...handlers, hear],
    onSignal: () => undefined,
  })
  onTestFinished(() => bus.close())
  return bus
}

async function left(): Promise<number> {
  const { rows } = await shop.database.query<{ count: number }>('select count(*)::integer as count from postbus.finish')
  return rows[0]?.count ?? 0
}
