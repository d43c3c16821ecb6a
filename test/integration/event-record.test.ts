/** `bus.events`: single events, pages, counts, and trees of causes; indexed by workers, and not yet indexed. */
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, discard, type Bus, type EventQuery } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus } from '../support/notes.ts'
import { until } from '../support/until.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ id: z.string(), note: z.string().default('') }),
  partitionKey: ({ id }) => id,
})
const OrderPaid = defineEvent('orders.order-paid', { schema: z.object({ id: z.string() }) })
const StockCounted = defineEvent('stock.counted', { schema: z.object({ shelf: z.number() }) })

const book = defineHandler('finances.book', {
  on: OrderCreated,
  async handle(event, context) {
    if (event.data.id === 'o2') return discard('no such order')
    await context.publish([OrderPaid({ id: event.data.id }), StockCounted({ shelf: 1 })])
    return undefined
  },
})
const thank = defineHandler('mail.thank', { on: OrderPaid, handle: () => undefined })

let opened: TestBus
let bus: Bus
const created = [1, 2, 3].map((n) =>
  OrderCreated(
    { id: `o${n}`, note: n === 3 ? '50% off_now' : 'plain' },
    { correlationId: n === 1 ? 'visit 1' : 'visit 2', metadata: n === 2 ? { tenant: 'north' } : {} },
  ),
)
const waiting = OrderCreated({ id: 'o1', note: 'waits' })

beforeAll(async () => {
  opened = await openTestBus({ handlers: [book, thank] })
  ;({ bus } = opened)
  for (const event of created) {
    await bus.publish(event)
    await bus.worker().drain() // one after the other, so that their effects have a fixed order
  }
  await bus.publish(waiting)
  return () => opened.close()
})

const ids = async (query: EventQuery) => (await bus.events.list(query)).events.map(({ data }) => idIn(data))
const idIn = (data: unknown) => Object.values(data as object).join(' ')

function looks() {
  test('one event is found by its id, with its type or in general, or is null', async () => {
    const [first] = created

    expect(await bus.events.get(first?.id ?? '')).toMatchObject({ ...first, seq: '1', publishedAt: expect.any(Date) })
    expect((await bus.events.get(OrderCreated, first?.id ?? ''))?.data.id).toBe('o1')
    expect(await bus.events.get(OrderPaid, first?.id ?? '')).toBe(null)
    expect(await bus.events.get('00000000-0000-4000-8000-000000000000')).toBe(null)
  })

  test.each<[string, EventQuery, readonly string[]]>([
    ['a type', { type: 'orders.order-paid' }, ['o3', 'o1']],
    ['a pattern', { type: 'orders.*', first: 'oldest', limit: 3 }, ['o1 plain', 'o1', 'o2 plain']],
    ['a type of which there is none', { type: 'no.such-type' }, []],
    ['a key', { partitionKey: 'o1' }, ['o1 waits', 'o1 plain']],
    ['a correlation id', { correlationId: 'visit 1' }, ['1', 'o1', 'o1 plain']],
    ['a cause', { causationId: created[2]?.id ?? '' }, ['1', 'o3']],
    ['two fields', { correlationId: 'visit 2', type: 'orders.order-created' }, ['o3 50% off_now', 'o2 plain']],
    ['metadata', { metadata: { tenant: 'north' } }, ['o2 plain']],
    ['text, in upper or lower case', { text: 'OFF_now' }, ['o3 50% off_now']],
    ['text that is no pattern', { text: 'p_ain' }, []],
    ['a handler', { handler: 'mail.thank' }, ['o3', 'o1']],
    ['a handler that is not known', { handler: 'no.such' }, []],
    ['what is not finished', { state: 'unfinished' }, ['o1 waits']],
    ['what is dead', { state: 'dead' }, ['o2 plain']],
    ['what is dead at a handler', { state: 'dead', handler: 'mail.thank' }, []],
    ['a time to come', { since: new Date(Date.now() + 60_000) }, []],
    ['all time', { since: new Date(0), until: new Date(Date.now() + 60_000), type: 'stock.*' }, ['1', '1']],
    ['a time that is over', { until: new Date(0) }, []],
  ])('events are listed by %s', async (_, query, expected) => {
    expect(await ids(query)).toEqual(expected)
  })

  test('pages follow each other without gaps, in both directions', async () => {
    for (const first of ['newest', 'oldest'] as const) {
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page = await bus.events.list({ first, limit: 2, cursor })
        seen.push(...page.events.map(({ seq }) => seq))
        ;({ cursor } = page)
      } while (cursor !== null)

      const inOrder = seen.toSorted((one, other) => Number(one) - Number(other))
      expect(seen).toEqual(first === 'oldest' ? inOrder : inOrder.toReversed())
      expect(seen.length).toBe(8)
    }
  })

  test('a time range includes its start and excludes its end', async () => {
    const { publishedAt: at } = (await bus.events.get(created[1]?.id ?? '')) ?? {}
    const [since, until_] = [at as Date, new Date((at as Date).getTime() + 1)]

    expect((await bus.events.list({ since, until: until_ })).events.map(({ id }) => id)).toContain(created[1]?.id)
    expect((await bus.events.list({ until: since })).events.map(({ id }) => id)).not.toContain(created[1]?.id)
  })

  test('events are counted, in total and by type', async () => {
    expect(await bus.events.count()).toBe(8)
    expect(await bus.events.count({ type: 'orders.*' })).toBe(6)
    expect(await bus.events.count({ partitionKey: 'o1', text: 'waits' })).toBe(1)
    expect(await bus.events.countByType()).toEqual({
      'orders.order-created': 4,
      'orders.order-paid': 2,
      'stock.counted': 2,
    })
    expect(await bus.events.countByType({ state: 'unfinished' })).toEqual({ 'orders.order-created': 1 })
  })

  test('a tree shows the causes and the effects of an event', async () => {
    const [first] = created
    const { events } = await bus.events.list({ causationId: first?.id ?? '', first: 'oldest' })
    const [paid] = events

    const tree = await bus.events.tree(first?.id ?? '')
    const branch = await bus.events.tree(paid?.id ?? '')

    expect(tree?.causes).toEqual([])
    expect(tree?.caused.map(({ event, caused }) => [event.type, caused.length])).toEqual([
      ['orders.order-paid', 0],
      ['stock.counted', 0],
    ])
    expect(branch?.causes.map(({ id }) => id)).toEqual([first?.id])
    expect(await bus.events.tree('00000000-0000-4000-8000-000000000000')).toBe(null)
  })
}

describe('before anything is indexed', () => {
  looks()
})

describe('when everything is indexed', () => {
  beforeAll(async () => {
    // A worker without handlers only indexes.
    const other = anotherBus(opened, [])
    const worker = other.worker()
    await worker.start()
    await until(
      'all are indexed',
      async () => {
        const { rows } = await opened.database.query('select indexed_to from postbus.log_place')
        return rows[0]?.indexed_to === '8'
      },
      60_000,
    ) // a writing transaction of another test, in any database, delays this
    await worker.stop()
    await other.close()
  }, 90_000)
  looks()

  test('later events are found before they are indexed', async () => {
    await bus.publish(OrderCreated({ id: 'o9' }))

    expect(await ids({ partitionKey: 'o9' })).toEqual(['o9 '])
    expect(await ids({ type: 'orders.order-created', limit: 1 })).toEqual(['o9 '])
    expect(await bus.events.count()).toBe(9)
  })

  test('an event that cannot be decoded is shown as it is stored', async () => {
    await opened.database.query(`update postbus.event set payload = '{"json": 1, "meta": 7}' where id = $1`, [
      created[0]?.id,
    ])

    expect(await bus.events.get(created[0]?.id ?? '')).toMatchObject({ isRaw: true, data: '{"json": 1, "meta": 7}' })
  })
})

test('events that name each other as causes are shown once each', async () => {
  const [one, other] = ['00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-0000000000a2'] as const
  await bus.publish([
    StockCounted({ shelf: 7 }, { id: one, causationId: other }),
    StockCounted({ shelf: 8 }, { id: other, causationId: one }),
  ])

  const tree = await bus.events.tree(one)

  expect(tree?.causes.map(({ id }) => id)).toEqual([other])
  expect(tree?.event.id).toBe(one)
  expect(tree?.caused).toMatchObject([{ event: { id: other }, caused: [] }])
})

test.each<[string, object, string]>([
  ['an unknown field', { kind: 'x' }, 'kind'],
  ['an undefined one', { type: undefined }, 'type'],
  ['a malformed pattern', { type: 'Orders!' }, 'orders.*'],
  ['a cursor of something else', { cursor: 'abc' }, 'cursor'],
  ['a limit of 0', { limit: 0 }, 'limit'],
])('%s is refused', async (_, query, word) => {
  await expect(bus.events.list(query as EventQuery)).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_OPTIONS',
    message: expect.stringContaining(word),
  })
})
