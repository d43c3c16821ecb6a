/**
 * The operator page under attack: rows with markup, links with markup, forms of other sites, and GET requests that try to act.
 * Stored rows can contain anything: here they are written by SQL, past every check.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeApp } from '../../../src/ui/app.ts'
import { operatorPage, type OperatorPage } from '../../../src/ui/index.ts'
import { defineSchedule } from '../../../src/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { textOf, visitorOf, type Visitor } from '../../support/operator-page.ts'
import { evil, poison } from '../../support/poisoned-rows.ts'
import { handlersIn, OrderPlaced } from '../../support/stage-for-operators.ts'
import { faultsIn } from '../../support/strict-html.ts'

const BASE = '/ops'
const nightly = defineSchedule('orders.nightly', { cron: '0 3 * * *', event: () => OrderPlaced({ order: 'nightly' }) })
let shop: TestBus
let page: OperatorPage
let visitor: Visitor
let eventId = ''

beforeAll(async () => {
  const handlers = handlersIn({ isMailDown: true, isStockWrong: true })
  shop = await openTestBus({ handlers, schedules: [nightly], onSignal: () => undefined })
  page = operatorPage(shop.bus, {
    access: () => ({ level: 'all', by: evil('viewer') }),
    basePath: BASE,
    title: evil('title').slice(0, 80),
  })
  visitor = visitorOf(page)
  const { events } = await shop.bus.publish(['4711', '4712', '4713'].map((order) => OrderPlaced({ order })))
  eventId = events[0]?.id ?? ''
  await drained(shop.bus)
  await shop.bus.deadLetters.retry({ handler: 'mail.receipt' }, { by: evil('act-by'), reason: evil('act-reason') })
  await drained(shop.bus)
  await shop.bus.publish(OrderPlaced({ order: '4711' }))
  await shop.bus.pause({ handler: 'web.count' }, { by: evil('pause-by'), reason: evil('pause-reason') })
  await poison(shop.database, eventId)
})

afterAll(() => shop.close())

/** Every route, with the values of a row in place of its parameters, and with a poisoned value for each parameter of a link. */
function everyAddress(): readonly string[] {
  const gets = routes()
    .filter(({ method }) => method === 'GET')
    .map(({ path }) => path)
  const filled = gets.flatMap((path) => {
    const values = path.includes(':id') ? [eventId, evil('id')] : ['stock.reserve', evil('name')]
    return path.includes(':') ? values.map((value) => path.replace(/:\w+/, encodeURIComponent(value))) : [path]
  })
  return filled.flatMap((path) => [
    path,
    ...[
      POISONED,
      {
        handler: 'stock.reserve',
        key: 'order-4711',
        id: eventId,
        event: eventId,
        from: eventId,
        all: 'yes',
        name: 'stock.reserve',
        schedule: 'orders.nightly',
      },
    ].map((values) => `${path}?${new URLSearchParams(values).toString()}`),
    ...Object.entries(path.includes('/do/') ? {} : POISONED).map(
      ([name, value]) => `${path}?${new URLSearchParams({ [name]: value }).toString()}`,
    ),
  ])
}

const POISONED = Object.fromEntries(
  [
    'handler',
    'key',
    'type',
    'error',
    'state',
    'by',
    'act',
    'since',
    'cursor',
    'back',
    'id',
    'from',
    'to',
    'reason',
    'text',
    'for',
    'metadata',
    'correlation',
    'schedule',
    'replay',
    'delivery',
    'all',
    evil('any'),
  ].map((name) => [name, evil(name)]),
)

function routes() {
  const app = makeApp({ bus: shop.bus, base: BASE, title: 'Shop', maskData: undefined })
  return app.routes.filter(({ method }) => method !== 'ALL')
}

describe('stored values and request parameters are only ever text', () => {
  test('no page contains an element, attribute or address that came from them, and each page forbids scripts', async () => {
    const seen: string[] = []
    for (const address of everyAddress()) {
      const response = await page.fetch(new Request(`https://shop.example${address}`))
      const html = await response.text()
      const isPage = response.headers.get('content-type')?.startsWith('text/html') === true

      expect(response.headers.get('content-security-policy'), address).toContain("script-src 'self'")
      expect(response.headers.get('location') ?? `${BASE}/`, address).toMatch(/^\/ops\/[\x21-\x7e]*$/)
      expect(isPage ? faultsIn(html, BASE) : [], address).toEqual([])
      if (isPage) seen.push(textOf(html))
    }

    const fields = Array.from(seen.join(' ').matchAll(/([a-z]+(?:-[a-z]+)*)-here/g), ([, field = '']) => field)
    expect([...new Set(fields)]).toEqual(expect.arrayContaining(SHOWN))
  })
})

/** The poisoned values that the test above must have seen on some page. */
const SHOWN = `viewer type event-key data-value element source correlation causation caused-by data-key inner-key
  metadata-key metadata-value error-message error-code error-stack dead-reason handler letter-type letter-key
  act-by act-reason row-by row-reason act filter-key filter-value pause-by pause-reason queue schedule cron zone
  replay-handler replay-by`.split(/\s+/)

describe('a form', () => {
  const FOREIGN = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    { origin: 'https://sub.shop.example', 'sec-fetch-site': 'same-site' },
    { origin: 'http://shop.example' },
    { origin: 'https://shop.example:8443' },
    { origin: 'null' },
    { referer: 'https://evil.example/' },
    { referer: 'https://shop.example/ops' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', referer: 'https://shop.example/ops' },
  ] as const
  const KINDS = [
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/json',
    'APPLICATION/X-WWW-FORM-URLENCODED',
  ]

  test('of another site does nothing on any route, even with the cookie and the token of the page', async () => {
    await visitor.get(BASE)
    const token = visitor.cookies.get('postbus_token') ?? ''
    const before = await everyRow()
    const body = new URLSearchParams({
      token,
      count: '9',
      all: 'yes',
      handler: 'stock.reserve',
      key: 'order-4711',
      id: eventId,
      schedule: 'orders.nightly',
    })
    const statuses = new Set<number>()

    for (const { path } of routes().filter(({ method }) => method === 'POST')) {
      for (const headers of FOREIGN) {
        for (const kind of KINDS) {
          const sent = { ...headers, 'content-type': kind, cookie: `postbus_token=${token}` }
          const answer = await page.fetch(
            new Request(`https://shop.example${path}`, { method: 'POST', body: body.toString(), headers: sent }),
          )
          statuses.add(answer.status)
          expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'")
        }
      }
    }

    expect(token).not.toBe('')
    expect([...statuses]).toEqual([403])
    expect(await everyRow()).toEqual(before)
  })
})

test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])(
  '%s changes nothing, on any route, with any parameters',
  async (method) => {
    const before = await everyRow()
    const addresses =
      method === 'GET' ? everyAddress() : routes().map(({ path }) => `${path}?all=yes&handler=stock.reserve`)
    const headers = { origin: 'https://shop.example', 'sec-fetch-site': 'same-origin' }

    for (const address of addresses)
      await page.fetch(new Request(`https://shop.example${address}`, { method, headers }))

    expect(await everyRow()).toEqual(before)
  },
)

/** A checksum of each table of the bus and of pg-boss, except the one in which the first query notes which server this is. */
async function everyRow(): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await shop.database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
    where table_schema in ('postbus', 'pgboss') and table_type = 'BASE TABLE' and table_name <> 'server_life' order by 1`,
  )
  const { rows } = await shop.database.query<Record<string, string>>(
    `select ${tables.map(({ name }, n) => `(select md5(coalesce(string_agg(one::text, ',' order by one::text), '')) from ${name} one) as t${n}`).join(', ')}`,
  )
  return Object.fromEntries(tables.map(({ name }, n) => [name, rows[0]?.[`t${n}`] ?? '']))
}
