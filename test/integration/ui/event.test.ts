/** The operator page: an event with its handlers, data, causes and acts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { awaitCompletion, defineEvent, defineHandler } from '../../../src/index.ts'
import { operatorPage } from '../../../src/ui/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf, type Visitor } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced, PageViewed } from '../../support/stage-for-operators.ts'

const Measured = defineEvent('lab.measured', { schema: z.object({ value: z.unknown() }) })
const Paid = defineEvent('pay.requested', { schema: z.object({ amount: z.number() }) })

const trouble = { isMailDown: true, isStockWrong: true }
const handlers = [
  ...handlersIn(trouble),
  defineHandler('web.follow', {
    on: OrderPlaced,
    handle: ({ data }, context) => context.publish(PageViewed({ page: data.order })),
  }),
  defineHandler('shop.gift', { on: OrderPlaced, interested: ({ data }) => data.total > 100n, handle: () => undefined }),
  defineHandler('pay.collect', { on: Paid, handle: () => awaitCompletion({ timeoutMs: 60_000 }) }),
]
let shop: TestBus
let visitor: Visitor
let orderId: string

beforeAll(async () => {
  shop = await openTestBus({ handlers, events: [Measured] })
  visitor = visitorOf(operatorPage(shop.bus, { access: () => ({ level: 'all', by: 'anna' }) }))
  orderId = await published(OrderPlaced({ order: '4711' }, { metadata: { tenant: 'acme' } }))
  await drained(shop.bus)
})

afterAll(() => shop.close())

test('an event is shown with its state at each handler, failures first, and their reasons', async () => {
  const { text, html } = await visitor.get(`/events/${orderId}`)

  expect(html.match(/aria-label="(mail|stock|web)\.\w+"/g)).toHaveLength(3)
  expect(text.indexOf('mail.receipt dead')).toBeLessThan(text.indexOf('web.follow done'))
  expect(text).toMatch(/attempt 1, [\d :-]+: ECONNREFUSED anna@example\.org was refused/)
  expect(text).toMatch(/attempt 2, [\d :-]+: ECONNREFUSED/)
  expect(text).toMatch(/stock\.reserve blocked .*TypeError no such article/)
  expect(text).toContain('stage-for-operators.ts') // from the stack
  expect(text).toContain('{tenant: "acme"}')
})

test('handlers that have not received it are named, with the reason', async () => {
  const { text } = await visitor.get(`/events/${orderId}`)

  expect(text).toContain('shop.gift: its function interested returns false for this event')
})

test('its causes and effects are drawn as a tree, seen from both ends', async () => {
  const [caused] = (await shop.bus.events.list({ causationId: orderId })).events
  const [from, to] = await Promise.all([visitor.get(`/events/${orderId}`), visitor.get(`/events/${caused?.id}`)])

  expect(from.text).toMatch(/Causes and effects orders\.order-placed web\.page-viewed by web\.follow/)
  expect(to.text).toMatch(/Causes and effects orders\.order-placed web\.page-viewed/)
  expect(to.html).toContain(`href="/events/${orderId}"`)
  expect(to.text).toContain('Of the same correlation id')
})

describe('data is drawn with its types', () => {
  test.each<readonly [drawn: string, value: unknown]>([
    ['2026-05-01T12:00:00.000Z Date', new Date('2026-05-01T12:00:00Z')],
    ['12 bigint', 12n],
    ['value: undefined', undefined],
    ['value: -0', -0],
    ['value: NaN', Number.NaN],
    ['Map (1) "a" => 1 bigint', new Map([['a', 1n]])],
    ['Set (1) "x"', new Set(['x'])],
    ['01 ff Uint8Array(2)', new Uint8Array([1, 255])],
    ['1.5 Float64Array(1)', new Float64Array([1.5])],
    ['/a+/g RegExp', /a+/g],
    ['https://example.org/a URL', new URL('https://example.org/a')],
    ['Error: broken Error', new Error('broken')],
    ['list (2) 0: 1 1: list (1) 0: 2', [1, [2]]],
    ['object (2) isEscaped: true toString: "x"', { isEscaped: true, toString: 'x' }],
    ['object (empty)', {}],
    ['value: null', null],
  ])('%s', async (drawn, value) => {
    const id = await published(Measured({ value }))

    expect((await visitor.get(`/events/${id}`)).text).toContain(drawn)
  })

  test('large data is shown in part, and the page stays small', async () => {
    const value = Array.from({ length: 3_000 }, (_, n) => ({ n, text: 'x'.repeat(100) }))
    const id = await published(Measured({ value: { value, long: 'y'.repeat(50_000) } }))

    const { html, text } = await visitor.get(`/events/${id}`)

    expect(html.length).toBeLessThan(100_000)
    expect(text).toMatch(/and 2,?\d+ more/)
  })
})

test('the page of an event whose handlers failed often, with long stacks, stays small', async () => {
  const stack = `Error: deep\n${'    at somewhere (file.ts:1:1)\n'.repeat(400)}`
  const errors = Array.from({ length: 20 }, (_, n) => ({
    attempt: n + 1,
    at: new Date(),
    code: null,
    message: 'm'.repeat(1_000),
    stack,
  }))
  const id = await published(OrderPlaced({ order: 'long' }))
  await drained(shop.bus)
  await shop.database.query(`update pgboss.job set output = $1 where data ->> 'event' = $2`, [
    JSON.stringify(errors),
    id,
  ])
  await shop.database.query('update postbus.dead_letter set attempts = $1 where event_id = $2', [
    JSON.stringify(errors),
    id,
  ])

  const { html } = await visitor.get(`/events/${id}`)

  expect(html).toContain('Stack of attempt')
  expect(html.length).toBeLessThan(100_000)
})

test.each(['/events/0198c0de-0000-7000-8000-000000000000', '/events/no-id', "/events/'", '/events/%00'])(
  '%s is not found',
  async (path) => {
    expect((await visitor.get(path)).status).toBe(404)
  },
)

describe('acts on an event', () => {
  test('a dead delivery is retried, and the page afterwards shows the result', async () => {
    const id = await published(OrderPlaced({ order: 'again' }))
    await drained(shop.bus)
    const shown = await visitor.get(`/events/${id}`)
    const preview = await visitor.get(hrefOf(shown.html, 'retry-dead-letters'))
    trouble.isMailDown = false
    const done = await visitor.submit(preview)
    await drained(shop.bus)

    expect(done.at).toBe(`/events/${id}`)
    expect(done.text).toContain('1 dead letter is tried again.')
    expect((await visitor.get(`/events/${id}`)).text).toMatch(/mail\.receipt done/)
    trouble.isMailDown = true
  })

  test('it is replayed to one handler and to no other', async () => {
    const id = await published(OrderPlaced({ order: 'replayed' }))
    await drained(shop.bus)
    const preview = await visitor.get(`/do/replay-event?id=${id}&handler=web.follow&back=/events/${id}`)
    const done = await visitor.submit(preview, { reason: 'lost the page' })

    expect(preview.text).toContain(`This gives orders.order-placed ${id} to web.follow again.`)
    expect(done.text).toContain('orders.order-placed is given to web.follow again.')
    expect(await drained(shop.bus)).toMatchObject({ done: 2 }) // the replay, and the page view that it causes
    expect(await lastAct()).toMatchObject({ act: 'replay', by: 'anna', reason: 'lost the page', count: 1 })
  })

  test('it is not replayed to a handler that is not interested', async () => {
    const preview = await visitor.get(`/do/replay-event?id=${orderId}&handler=shop.gift`)

    expect(preview.text).toContain('shop.gift is not interested in this event: nothing to do.')
    expect(preview.html).not.toContain('method="post"')
  })

  test('its data is erased, and is gone from the page', async () => {
    const id = await published(Measured({ value: 'secret' }))
    const preview = await visitor.get(`/do/redact-event?id=${id}&back=/events/${id}`)
    const done = await visitor.submit(preview, { reason: 'asked to be forgotten' })

    expect(preview.text).toContain(`This erases the data and the metadata of lab.measured ${id}`)
    expect(done.html).not.toContain('secret')
    expect(await lastAct()).toMatchObject({ act: 'events.redact', by: 'anna', count: 1 })
    expect((await visitor.get(`/do/redact-event?id=${id}`)).text).toContain('is erased already')
  })

  test('a delayed event is cancelled', async () => {
    const { events } = await shop.bus.publish(PageViewed({ page: '/later' }), { delayMs: 3_600_000 })
    const id = events[0]?.id ?? ''
    const shown = await visitor.get(`/events/${id}`)
    const done = await visitor.submit(await visitor.get(hrefOf(shown.html, 'cancel-event')))

    expect(done.text).toContain('It is cancelled, with 1 delivery.')
    expect(done.text).toMatch(/web\.count cancelled/)
    expect(await lastAct()).toMatchObject({ act: 'cancel', by: 'anna' })
  })

  test.each([
    ['complete-delivery', /pay\.collect done/, 'deliveries.complete'],
    ['skip-delivery', /pay\.collect skipped/, 'deliveries.skip'],
    ['fail-delivery', /pay\.collect retrying/, 'deliveries.fail'],
  ] as const)('a delivery that awaits a completion gets it: %s', async (name, becomes, act) => {
    const id = await published(Paid({ amount: 1 }))
    await drained(shop.bus)
    const shown = await visitor.get(`/events/${id}`)
    const done = await visitor.submit(await visitor.get(hrefOf(shown.html, name)))
    await drained(shop.bus)

    expect(done.text).toContain('It counts')
    expect((await visitor.get(`/events/${id}`)).text).toMatch(becomes)
    expect(await lastAct()).toMatchObject({ act, by: 'anna' })
  })
})

async function published(event: Parameters<TestBus['bus']['publish']>[0]): Promise<string> {
  const { events } = await shop.bus.publish(event)
  return events[0]?.id ?? ''
}

function hrefOf(html: string, action: string): string {
  return new RegExp(`href="([^"]*/do/${action}[^"]*)"`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
}

async function lastAct() {
  return (await shop.bus.acts.list()).acts[0]
}
