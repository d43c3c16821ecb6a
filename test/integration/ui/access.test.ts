/** The operator page: who may see it, and what they may see; without the application's permission nothing is served. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeApp } from '../../../src/ui/app.ts'
import { operatorPage, type AccessAnswer, type OperatorPageOptions } from '../../../src/ui/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced } from '../../support/stage-for-operators.ts'

const BASE = '/ops/postbus'
const TOKEN = 't'.repeat(43)
const SECRETS = ['anna@example.org', 'order-4711', 'orders.order-placed', 'stock.reserve']
let shop: TestBus
let eventId: string

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn({ isMailDown: true, isStockWrong: true }) })
  const { events } = await shop.bus.publish(
    OrderPlaced({ order: '4711' }, { metadata: { tenant: 'anna@example.org' } }),
  )
  eventId = events[0]?.id ?? ''
  await drained(shop.bus)
})

afterAll(() => shop.close())

function pageFor(answer: AccessAnswer, options: Partial<OperatorPageOptions> = {}) {
  return operatorPage(shop.bus, { access: () => answer, basePath: BASE, ...options })
}

/** Every route, with values in place of its parameters. */
function everyRoute(): readonly { readonly method: string; readonly path: string }[] {
  const app = makeApp({ bus: shop.bus, base: BASE, title: 'Shop', maskData: undefined })
  const routes = app.routes.filter(({ method }) => method !== 'ALL')
  return routes.map(({ method, path }) => ({
    method,
    path: path.replace(':id', eventId).replace(':name', 'mail.receipt').replace(/:\w+/, 'unknown'),
  }))
}

/** A request like that of an attacker who knows how forms and tokens work, and makes up a matching pair. */
function request({ method, path }: { readonly method: string; readonly path: string }): Request {
  const body =
    method === 'POST' ? new URLSearchParams({ token: TOKEN, count: '1', handler: 'stock.reserve', all: 'yes' }) : null
  const headers = {
    origin: 'https://shop.example',
    'sec-fetch-site': 'same-origin',
    cookie: `postbus_token=${TOKEN}`,
  }
  return new Request(`https://shop.example${path}`, { method, body, headers, redirect: 'manual' })
}

describe('without access', () => {
  test.each([undefined, null, 'all', {}])('no page can be created: access %j is refused', (access) => {
    expect(() => operatorPage(shop.bus, { access } as never)).toThrow(
      expect.objectContaining({
        code: 'POSTBUS_INVALID_OPTIONS',
        message: expect.stringContaining('There is no default'),
      }),
    )
  })

  test('nothing is served on any route: no data, no links, no files', async () => {
    const answers = await Promise.all(everyRoute().map((route) => pageFor(null).fetch(request(route))))

    expect(answers.length).toBeGreaterThan(3)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    expect(new Set(texts).size).toBe(1)
    expect(texts[0]).not.toMatch(/href|src|Postbus|ops/)
  })

  test.each([undefined, 'none', true, { level: 'some' }, { level: 'all', by: '' }])(
    'a result of access that means neither yes nor no serves nothing: %j',
    async (answer) => {
      await expect(pageFor(answer as never).fetch(request({ method: 'GET', path: BASE }))).rejects.toMatchObject({
        code: 'POSTBUS_INVALID_OPTIONS',
      })
    },
  )

  test('an error of access reaches the application, and its own response is sent', async () => {
    const throwing = operatorPage(shop.bus, { access: () => Promise.reject(new Error('no session store')) })
    const sending = pageFor(new Response(null, { status: 302, headers: { location: '/login' } }))

    await expect(throwing.fetch(request({ method: 'GET', path: '/' }))).rejects.toThrow('no session store')
    const answer = await sending.fetch(request({ method: 'GET', path: BASE }))
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/login'])
  })
})

describe('with read', () => {
  test('no route shows personal data, and a search does not find it', async () => {
    const gets = everyRoute().filter(({ method }) => method === 'GET')

    for (const route of gets) {
      const { html } = await visitorOf(pageFor('read')).get(route.path)
      expect(html, route.path).not.toContain('anna@example.org')
    }
    const searched = await visitorOf(pageFor('read')).get(`${BASE}/events?text=anna`)
    const byMetadata = await visitorOf(pageFor('read')).get(`${BASE}/events?metadata=tenant%3Danna@example.org`)
    expect([searched.status, byMetadata.status]).toEqual([400, 400])
    expect(searched.text).toContain('cannot search')
  })

  test('nothing can be posted, and no page has a form that posts', async () => {
    const routes = everyRoute()
    const before = await shop.bus.acts.list()

    const posts = await Promise.all(
      routes.filter(({ method }) => method === 'POST').map((route) => pageFor('read').fetch(request(route))),
    )

    expect(posts.every(({ status }) => status === 403)).toBe(true)
    expect(await shop.bus.acts.list()).toEqual(before)
    for (const { path } of routes.filter(({ method }) => method === 'GET')) {
      expect((await visitorOf(pageFor('read')).get(path)).html, path).not.toContain('method="post"')
    }
  })

  test('a user who may only see data sees it', async () => {
    const { html } = await visitorOf(pageFor({ level: 'read', showData: true })).get(`${BASE}/events`)

    expect(html).toContain('anna@example.org')
  })
})

test('every page has the headers that isolate it, and is not cached', async () => {
  for (const route of everyRoute().filter(({ method }) => method === 'GET')) {
    const { headers } = await pageFor('all').fetch(request(route))

    expect(headers.get('content-security-policy'), route.path).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('strict-transport-security')).toBeNull()
    expect(headers.get('location') ?? headers.get('cache-control'), route.path).toMatch(
      /^(?:\/ops\/postbus\/.*|no-store)$/,
    )
  }
})

test('no page contains an inline script or style', async () => {
  for (const { path } of everyRoute().filter(({ method }) => method === 'GET')) {
    const { html } = await visitorOf(pageFor('all')).get(path)

    expect(html, path).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=")/i)
  }
})

test('the files of the page are named after their content, and browsers cache them', async () => {
  const { html } = await visitorOf(pageFor('all')).get(BASE)
  const files = Array.from(html.matchAll(/(?:src|href)="([^"]*\/assets\/[^"]*)"/g), ([, file = '']) => file)

  const answers = await Promise.all(files.map((path) => pageFor('read').fetch(request({ method: 'GET', path }))))

  expect(files).toHaveLength(3)
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(
    files.map(() => 'private, max-age=31536000, immutable'),
  )
})

describe('mounted under a path', () => {
  test('every link stays below its path', async () => {
    for (const { path } of everyRoute().filter(({ method }) => method === 'GET')) {
      const { html } = await visitorOf(pageFor('all')).get(path)
      const addresses = Array.from(html.matchAll(/(?:href|src|action)="([^"]*)"/g), ([, address = '']) => address)
      const outside = addresses.filter((address) => !address.startsWith(`${BASE}/`) && !address.startsWith('#'))

      expect(outside, path).toEqual([])
    }
  })

  test('the first page is found with and without a slash, and paths outside are not found', async () => {
    const visitor = visitorOf(pageFor('all'))
    const shown = await Promise.all([BASE, `${BASE}/`, '/ops', `${BASE}/nothing`].map((path) => visitor.get(path)))

    expect(shown.map(({ status }) => status)).toEqual([200, 200, 404, 404])
  })

  test.each(['ops', '/ops/', '/o ps', '//ops', '/ops?x', '/ops/"'])('%j is refused as a mount path', (basePath) => {
    expect(() => pageFor('all', { basePath })).toThrow(expect.objectContaining({ code: 'POSTBUS_INVALID_OPTIONS' }))
  })
})

describe('maskData', () => {
  test('its result is shown in place of the data, and it knows the viewer', async () => {
    const page = pageFor(
      { level: 'all', by: 'anna' },
      { maskData: ({ type }, { by }) => ({ masked: `${type} for ${by}` }) },
    )

    const { text, html } = await visitorOf(page).get(`${BASE}/events`)
    const searched = await visitorOf(page).get(`${BASE}/events?text=anna`)

    expect(text).toContain('{masked: "orders.order-placed for anna"}')
    expect(html).not.toContain('anna@example.org')
    expect(searched.status).toBe(400)
  })
})

test('a visitor without access learns nothing about the shop', async () => {
  const { html } = await visitorOf(pageFor(null)).get(`${BASE}/events`)

  for (const secret of SECRETS) expect(html).not.toContain(secret)
})
