/** A handler that listens to a shadow gets an event without its data, and fetches the data when it needs them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { claimFrom } from '../../src/backends/postgres/deliveries/claim.ts'
import { settleDeliveries } from '../../src/backends/postgres/deliveries/settle.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import {
  createBus,
  defineEvent,
  defineHandler,
  shadow,
  type Bus,
  type Envelope,
  type ShadowEvent,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables } from '../support/stored.ts'

const KIBIBYTE = 1_024
const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })

const Scanned = defineEvent('docs.scanned', {
  schema: z.object({ key: z.string().nullable(), text: z.string(), at: z.date().default(new Date(0)) }),
  partitionKey: (data) => data.key,
})

const shadows: ShadowEvent[] = []
const asked: Envelope[] = []
const whole: Envelope[] = []
let work: (event: ShadowEvent) => unknown = () => undefined

const index = defineHandler('search.index', {
  on: shadow(Scanned),
  maxAttempts: 2,
  backoff: () => 0,
  interested(event) {
    asked.push(event)
    return event.data.text !== 'dull'
  },
  handle(event) {
    shadows.push(event)
    return work(event)
  },
})
const archive = defineHandler('docs.archive', { on: 'docs.*', handle: (event) => void whole.push(event) })

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [index, archive] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  shadows.length = asked.length = whole.length = 0
  work = () => undefined
})

describe.each([
  ['without a key', null],
  ['in a lane', 'shelf 1'],
])('an event %s', (_, key) => {
  test('reaches the handler without its data, while fetch and interested get the whole event', async () => {
    const fetched: Envelope[] = []
    work = async (event) => void fetched.push(await event.fetch())
    const event = Scanned({ key, text: 'a' }, { metadata: { tenant: 'a' }, source: 'test' })

    await shop.bus.publish([event, Scanned({ key, text: 'dull' })])
    await drained(shop.bus)

    const { data, ...head } = event
    expect(shadows).toEqual([{ ...head, correlationId: event.id, fetch: expect.any(Function) as unknown }])
    expect(shadows[0]).not.toHaveProperty('data')
    expect(Object.isFrozen(shadows[0])).toBe(true)
    expect(fetched).toEqual([{ ...event, correlationId: event.id }])
    expect(asked.map((one) => one.data)).toEqual([data, { ...data, text: 'dull' }])
    expect(whole[0]).toEqual(fetched[0])
  })
})

test('a claim does not load the data of a shadow, but does load the data of other handlers’ events', async () => {
  await shop.bus.publish([1, 2, 3].map((n) => Scanned({ key: null, text: `plain ${n}` })))
  await shop.bus.publish([1, 2, 3].map((n) => Scanned({ key: 'shelf 1', text: `lane ${n}` })))

  const plain = await claimFrom('events', tables, ['search.index'])(shop.database, 10)
  const lane = claimFrom('events_partitioned', tables, ['search.index'])
  const { deliveries: heads } = await lane(shop.database, 10, { behind: 1 })
  const settlements = heads.map((one) => ({ delivery: one, is: 'done', takeNext: true, behind: 1 }) as const)
  const { next } = await settleDeliveries(shop.database, tables, {
    queue: 'events_partitioned',
    settlements,
    shadows: ['search.index'],
  })

  const claimed = [...plain.deliveries, ...heads, ...next.values()].flatMap((one) => [one, ...one.behind])
  const came = Object.groupBy(claimed, ({ handler }) => handler)
  expect(came['search.index']?.length).toBeGreaterThanOrEqual(5)
  expect(came['search.index']?.every(({ event }) => event?.payload === null)).toBe(true)
  expect(came['docs.archive']?.length).toBeGreaterThanOrEqual(5)
  expect(came['docs.archive']?.every(({ event }) => event?.payload?.includes('text'))).toBe(true)
})

test.each([
  ['a plain queue', 'events', null],
  ['lanes', 'events_partitioned', 'shelf'],
] as const)('shadows with large data take no room of a claim from %s', async (_, queue, key) => {
  const events = Array.from({ length: 6 }, (__, n) =>
    Scanned({ key: key && `${key} ${n}`, text: 'x'.repeat(100 * KIBIBYTE) }),
  )
  await shop.bus.publish(events)

  const { deliveries } = await claimFrom(queue, tables, ['search.index', 'docs.archive'])(shop.database, 12, {
    room: 1,
  })

  expect(deliveries).toHaveLength(12)
})

test('the data is read once per attempt', async () => {
  const fetched: Envelope[] = []
  work = async (event) => {
    fetched.push(...(await Promise.all([event.fetch(), event.fetch()])))
    if (fetched.length < 4) throw new Error('again')
  }

  await shop.bus.publish(Scanned({ key: null, text: 'a' }))
  await drained(shop.bus)

  expect(fetched).toHaveLength(4)
  expect(fetched[0]).toBe(fetched[1])
  expect(fetched[2]).toBe(fetched[3])
  expect(fetched[0]).not.toBe(fetched[2])
})

test('fetching a deleted event fails with that reason, and the handler can end without the data', async () => {
  const event = Scanned({ key: null, text: 'a' })
  const refusals: unknown[] = []
  work = async ({ id, fetch }) => {
    await shop.database.query('delete from postbus.event where id = $1', [id])
    refusals.push(await fetch().catch((error: unknown) => error))
  }

  await shop.bus.publish(event)
  const counts = await drained(shop.bus)

  expect(refusals).toEqual([
    expect.objectContaining({ code: 'POSTBUS_EVENT_GONE', message: expect.stringContaining(event.id) as unknown }),
  ])
  expect(counts.done).toBeGreaterThanOrEqual(1)
})

test('after a failed fetch, the next call fetches again', async () => {
  const codes: unknown[] = []
  const moveAway = (from: string, to: string) => shop.database.query(`alter table postbus.${from} rename to ${to}`)
  work = async ({ fetch }) => {
    await moveAway('event', 'event_elsewhere')
    codes.push(await fetch().catch((error: unknown) => (error as { code?: unknown }).code))
    await moveAway('event_elsewhere', 'event')
    codes.push((await fetch()).data)
  }

  await shop.bus.publish(Scanned({ key: null, text: 'a' }))
  await drained(shop.bus)

  expect(codes).toEqual(['42P01', { key: null, text: 'a', at: new Date(0) }])
})

test('the deployed handler decides between a shadow and a whole event, also if it was the other when the event was published', async () => {
  const seen: unknown[] = []
  const note = (event: object) => void seen.push('data' in event ? 'whole' : 'shadow')
  const before = busWith([defineHandler('docs.read', { on: Scanned, handle: note })])
  const after = busWith([defineHandler('docs.read', { on: shadow(Scanned), handle: note })])
  const event = () => Scanned({ key: 'shelf 1', text: 'a' })

  await before.publish([event(), event()])
  await drained(after)
  await after.publish([event(), event()])
  await drained(before)

  expect(seen).toEqual(['shadow', 'shadow', 'whole', 'whole'])
  await Promise.all([before.close(), after.close()])
})

test('inside publish, in inline mode, the data can be fetched', async () => {
  const bus = createBus({ backend: 'inline', handlers: [index] })
  const fetched: Envelope[] = []
  work = async (event) => void fetched.push(await event.fetch())
  const event = Scanned({ key: null, text: 'a' })

  await bus.publish(event)

  expect(shadows[0]).not.toHaveProperty('data')
  expect(fetched).toEqual([{ ...event, correlationId: event.id }])
  await bus.close()
})

test('events that a shadow’s handler publishes name it as the cause', async () => {
  const event = Scanned({ key: null, text: 'a' })
  work = (one) =>
    one.id === event.id ? shop.bus.publish(Scanned({ key: null, text: 'b' })).then(() => undefined) : undefined

  await shop.bus.publish(event)
  await drained(shop.bus)

  expect(shadows[1]).toMatchObject({ causationId: event.id, correlationId: event.id, causedByHandler: 'search.index' })
})

function busWith(handlers: Parameters<typeof createBus>[0]['handlers']): Bus {
  return createBus({ connectionString: shop.connectionString, handlers, onSignal: () => undefined })
}

test('`onDead` of a shadow gets the shadow', async () => {
  const given: ShadowEvent[] = []
  const picky = defineHandler('docs.picky', {
    on: shadow(Scanned),
    maxAttempts: 1,
    onDead(_, event) {
      given.push(event)
      return event.metadata['isTest'] ? 'continue' : 'block'
    },
    handle() {
      throw new Error('no')
    },
  })
  const bus = createBus({ connectionString: shop.connectionString, handlers: [picky], onSignal: () => undefined })
  await bus.publish([
    Scanned({ key: 'a', text: 'a' }, { metadata: { isTest: true } }),
    Scanned({ key: 'b', text: 'b' }),
  ])
  await drained(bus)
  const { lanes } = await bus.lanes.list({ state: 'blocked' })
  await bus.close()

  expect(given).toHaveLength(2)
  expect(given[0]).not.toHaveProperty('data')
  expect(lanes.map(({ partitionKey }) => partitionKey)).toEqual(['b'])
})
