/** The operator page: **Now** shows the state of the bus, and **Events** the published events. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operatorPage } from '../../../src/ui/index.ts'
import { nothingFor } from '../../support/backlog-row.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf, type Visitor } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced, PageViewed } from '../../support/stage-for-operators.ts'

const trouble = { isMailDown: true, isStockWrong: true }
let shop: TestBus
let visitor: Visitor

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn(trouble) })
  visitor = visitorOf(operatorPage(shop.bus, { access: () => 'all', title: 'Shop' }))
  await shop.bus.publish([
    OrderPlaced({ order: '4711' }, { correlationId: 'basket-1' }),
    OrderPlaced({ order: '4712' }),
  ])
  await drained(shop.bus)
  await shop.bus.publish(PageViewed({ page: '/' }))
  await shop.bus.pause({ handler: 'web.count' }, { by: 'ada', reason: 'counts twice' })
})

afterAll(() => shop.close())

test('Now shows the waiting and dead deliveries of each handler, failures first, with links to them', async () => {
  const { text, html, status } = await eventually('/', /(?=[^]*stock\.reserve)(?=[^]*is paused since)/)

  expect(status).toBe(200)
  expect(rowOf(html, 'stock.reserve')).toContain('2')
  expect(html.indexOf('stock.reserve')).toBeLessThan(html.lastIndexOf('>web.count<'))
  expect(html).toContain('href="/events?handler=web.count&amp;state=unfinished"')
  expect(html).toContain('href="/dead-letters?handler=mail.receipt"')
  expect(text).toContain('web.count is paused since')
  expect(text).toContain('by ada: counts twice')
})

test('Now draws the last hour of each handler, and describes it in words', async () => {
  const { html } = await eventually('/', /mail\.receipt[^]*100\.0%/)

  expect(rowOf(html, 'mail.receipt')).toMatch(/aria-label="100\.0% errors over the last hour"/)
  expect(rowOf(html, 'mail.receipt')).toMatch(/<polyline points="0,\d/)
})

test('Now shows the doctor’s findings, problems first', async () => {
  const { text } = await eventually('/', /no worker is running/)

  expect(text).toMatch(/warning workers no worker is running/)
  expect(text.indexOf('warning workers')).toBeLessThan(text.indexOf('ok connection'))
})

test('Now takes the waiting deliveries from bus.backlog(), and counts nothing itself', async () => {
  const row = { ...nothingFor('web.count'), waiting: 7, running: 3, retrying: 2, parked: 11, blockedKeys: 5 }
  const log = { events: 13, seconds: 1 }
  const handlers = [{ ...row, oldestWaitingMs: 61_000, log }]
  const backlog = async () => ({ at: new Date(), isEstimate: false, handlers })
  const bus = { ...shop.bus, backlog }
  const { text } = await visitorOf(operatorPage(bus, { access: () => 'all' })).get('/')

  expect(text).toMatch(/web\.count 7 1\.0 min 13 3 2 11 5 0 /)
  expect(text).toMatch(/events 1 3 0 7/)
})

test('Now shows the live workers, and the number of slots of each queue', async () => {
  const queues = [
    { queue: 'events', slots: 20 },
    { queue: 'events_partitioned', slots: 5 },
  ]
  const worker = {
    host: 'shop-1',
    pid: 17,
    queues,
    handlers: ['web.count'],
    startedAt: new Date(0),
    seenAt: new Date(),
  }
  const ofThePreviousRelease = { ...worker, host: 'shop-2', queues: [{ queue: 'events', slots: null }] }
  const bus = {
    ...shop.bus,
    workers: async () => [
      { ...worker, id: '1' },
      { ...ofThePreviousRelease, id: '2' },
    ],
    backlog: async () => ({ at: new Date(), isEstimate: false, handlers: [nothingFor('web.count')] }),
  }
  const { text } = await visitorOf(operatorPage(bus, { access: () => 'read' })).get('/')

  expect(text).toMatch(/Queue Handlers Running Slots Waiting events 1 0 25 0/)
  expect(text).toMatch(/shop-1:17 1970-01-01 00:00:00 2 1 shop-2:17/)
})

describe('Events', () => {
  test.each([
    ['', ['web.page-viewed', 'orders.order-placed', 'orders.order-placed']],
    ['type=orders.*', ['orders.order-placed', 'orders.order-placed']],
    ['key=order-4711', ['orders.order-placed']],
    ['correlation=basket-1', ['orders.order-placed']],
    ['handler=mail.receipt&state=dead', ['orders.order-placed', 'orders.order-placed']],
    ['state=unfinished', ['web.page-viewed']],
    ['text=4712', ['orders.order-placed']],
    ['since=2020-01-01T00:00&until=2020-01-02', []],
    ['type=&key=+&state=', ['web.page-viewed', 'orders.order-placed', 'orders.order-placed']],
  ])('lists what matches %j', async (query, types) => {
    const { html, status } = await visitor.get(`/events?${query}`)

    expect(status).toBe(200)
    expect(typesIn(html)).toEqual(types)
  })

  test('keeps the filter in its form, and shows the data in one line', async () => {
    const { html, text } = await visitor.get('/events?key=order-4711&state=dead')

    expect(html).toMatch(/name="key"\s+value="order-4711"/)
    expect(html).toMatch(/<option value="dead" selected>/)
    expect(text).toContain('{order: "4711", email: "anna@example.org", total: 42n}')
  })

  test.each(['state=gone', 'since=yesterday', 'cursor=abc', 'type=Not a type', 'metadata=tenant'])(
    'explains the mistake in %j, above the form with its values',
    async (query) => {
      const { status, html } = await visitor.get(`/events?key=order-4711&${query}`)

      expect(status).toBe(400)
      expect(html).toContain('role="alert"')
      expect(html).toMatch(/name="key"\s+value="order-4711"/)
    },
  )
})

test('the search at the top finds an event by its id, and events by key, correlation id or data', async () => {
  const [event] = (await shop.bus.events.list({ correlationId: 'basket-1' })).events
  const words = [event?.id ?? '', 'order-4712', 'basket-1', '4712', '']

  const found = await Promise.all(words.map((word) => visitor.get(`/find?for=${encodeURIComponent(word)}`)))

  expect(found.map(({ at }) => at)).toEqual([
    `/events/${event?.id}`,
    '/events?key=order-4712',
    '/events?correlation=basket-1',
    '/events?text=4712',
    '/events',
  ])
})

function rowOf(html: string, handler: string): string {
  return html.split('<tr>').find((row) => row.includes(`>${handler}</a>`)) ?? ''
}

function typesIn(html: string): readonly string[] {
  return Array.from(html.matchAll(/<td\s*>((?:orders|web)\.[\w-]+)<\/td>/g), ([, type = '']) => type)
}

/** The doctor runs in the background, and a page does not wait for it. */
async function eventually(path: string, what: RegExp) {
  for (let turn = 0; ; turn += 1) {
    const shown = await visitor.get(path)
    if (what.test(shown.text) || turn === 100) return shown
  }
}
