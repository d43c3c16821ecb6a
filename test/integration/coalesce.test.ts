/** `coalesce: 'latest'`: of the waiting events of one type and key, only the newest is handled. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, failed } from '../../src/index.ts'
import type { AnyHandler, Bus, BusSignal, HandlerOptions } from '../../src/index.ts'
import { drainEvents } from '../../src/testing/drain/drain.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { until } from '../support/until.ts'

const schema = z.object({ key: z.string(), n: z.number() })
const PriceSet = defineEvent('prices.price-set', { schema, partitionKey: ({ key }) => key })
const ItemSold = defineEvent('prices.item-sold', { schema, partitionKey: ({ key }) => key })
const ItemCounted = defineEvent('prices.item-counted', { schema, partitionKey: ({ key }) => key })

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({}, { ownServer: true })
  return () => opened.close()
})

test.each(['job', 'log'] as const)(
  'behind a slow handler the newest event is always handled, and older ones are superseded: delivery by %s',
  async (delivery) => {
    const runs: { key: string; n: number }[] = []
    const bus = aBus([
      showing(delivery, async (event) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        runs.push(event)
      }),
    ])
    await using worker = bus.worker()
    await worker.start()
    const updates = Array.from({ length: 1_000 }, (_, n) => PriceSet({ key: `item ${n % 20}`, n }))
    for (let from = 0; from < 1_000; from += 100) await bus.publish(updates.slice(from, from + 100))

    const newest = () => updates.slice(-20).every(({ data }) => runs.some(({ n }) => n === data.n))
    await until('the newest of each key is handled', newest)

    expect(runs.length).toBeLessThan(400)
    const byState = async () => {
      const { rows } = await opened.database.query<{ state: string; count: number }>(
        `select state, count(*)::integer as count from postbus.deliveries() where handler = $1 group by 1 order by 1`,
        [`prices.show-${delivery}`],
      )
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
    }
    await until('all are recorded', async () => ((await byState())['superseded'] ?? 0) === 1_000 - runs.length)
    for (const key of new Set(runs.map((run) => run.key))) {
      const ofKey = runs.filter((run) => run.key === key).map(({ n }) => n)
      expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b))
    }
  },
)

test('an event of another type keeps its place, and one that waits for a retry is superseded', async () => {
  const runs: string[] = []
  const handler = defineHandler('prices.follow', {
    on: [PriceSet, ItemSold],
    coalesce: 'latest',
    backoff: { initialMs: 1_000, factor: 1, jitter: 0 },
    handle: ({ type, data }) => {
      runs.push(`${type} ${data.n}`)
      return data.n === 3 ? failed('not now') : undefined
    },
  })
  const bus = aBus([handler])
  const { events } = await bus.publish([
    PriceSet({ key: 'a', n: 1 }),
    ItemSold({ key: 'a', n: 2 }),
    PriceSet({ key: 'a', n: 3 }),
  ])

  await bus.worker().drain()
  await bus.publish(PriceSet({ key: 'a', n: 4 }))
  await until('the key is through', async () => {
    await bus.worker().drain()
    return runs.includes('prices.price-set 4')
  })

  expect(runs).toEqual(['prices.item-sold 2', 'prices.price-set 3', 'prices.price-set 4'])
  const [first] = (await bus.events.status(events[0]!.id))!.deliveries
  const [third] = (await bus.events.status(events[2]!.id))!.deliveries
  expect(first).toMatchObject({ state: 'superseded', attempts: 0, reason: `Event ${events[2]!.id} is newer.` })
  expect(third).toMatchObject({ state: 'superseded', attempts: 1 })
})

test.each([
  ['a worker', (bus: Bus) => bus.worker().drain()],
  ["a test's drain", (bus: Bus) => drainEvents({ bus })],
] as const)('a quick handler also handles only the newest event: %s', async (_who, drain) => {
  const runs: string[] = []
  const signals: BusSignal[] = []
  const numbers = Array.from({ length: 60 }, (_, n) => n)
  const handler = defineHandler('prices.follow-quickly', {
    on: [PriceSet, ItemSold, ItemCounted],
    coalesce: 'latest',
    handle: ({ type, data }) => void runs.push(`${type} ${data.n}`),
  })
  const bus = aBus([handler], (signal) => signals.push(signal))
  const first = [ItemSold({ key: 'quick', n: 0 }), ItemCounted({ key: 'quick', n: 0 })]
  await bus.publish([...first, ...numbers.map((n) => PriceSet({ key: 'quick', n }))])

  await drain(bus)

  expect(runs).toEqual(['prices.item-sold 0', 'prices.item-counted 0', 'prices.price-set 59'])
  expect(signals.map(({ name }) => name)).not.toContain('claim-lost')
})

test('a delivery that is superseded behind another one keeps its attempts', async () => {
  const runs: number[] = []
  const handler = defineHandler('prices.keep-count', {
    on: PriceSet,
    coalesce: 'latest',
    handle: ({ data }) => void runs.push(data.n),
  })
  const bus = aBus([handler])
  const { events } = await bus.publish([1, 2, 3].map((n) => PriceSet({ key: 'counted', n })))
  // As after a worker that claimed a run of them before this handler had the option.
  await opened.database.query(
    `update pgboss.job set started_on = now(), retry_count = retry_count + 1, state = 'retry' where data ->> 'event' = $1`,
    [events[1]!.id],
  )

  await bus.worker().drain()

  expect(runs).toEqual([3])
  const [second] = (await bus.events.status(events[1]!.id))!.deliveries
  expect(second).toMatchObject({ state: 'superseded', attempts: 2 })
})

function showing(
  delivery: HandlerOptions['delivery'] & string,
  handle: (data: { key: string; n: number }) => Promise<void>,
): AnyHandler {
  return defineHandler(`prices.show-${delivery}`, {
    on: PriceSet,
    coalesce: 'latest',
    delivery,
    handle: ({ data }) => handle(data),
  })
}

function aBus(handlers: AnyHandler[], onSignal: (signal: BusSignal) => void = () => undefined) {
  const { connectionString } = opened
  const bus = createBus({ connectionString, handlers, onSignal })
  onTestFinished(() => bus.close())
  return bus
}
