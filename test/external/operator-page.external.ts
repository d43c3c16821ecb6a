/** The operator page in a real Chromium: with and without JavaScript, by keyboard, in light and dark mode, and under attack. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OrderPlaced } from '../support/stage-for-operators.ts'
import { until } from '../support/until.ts'
import { openWatchedShop, type WatchedShop } from '../support/watched-shop.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const ATTACK = `"'><img src=x onerror=alert(1)></script><script>alert(2)</script>\u2028`
let shop: WatchedShop

beforeAll(async () => {
  shop = await openWatchedShop()
})

afterAll(() => shop.close())

beforeEach(() => {
  shop.complaints.length = 0
  Object.assign(shop.trouble, { isMailDown: false, isStockWrong: false })
})

describe('without JavaScript', () => {
  test('“why was there no receipt for order 4711?” is answered and mended in four clicks from the first page', async () => {
    const page = await shop.open({ javaScriptEnabled: false })
    await page.getByRole('searchbox').fill('4711')

    await page.getByRole('button', { name: 'Find' }).click()
    await page
      .getByRole('main')
      .getByRole('link', { name: /^[0-9a-f-]{36}$|order-placed/ })
      .first()
      .click()
    const receipt = page.getByRole('region', { name: 'mail.receipt' })
    expect(await receipt.textContent()).toMatch(/dead[\s\S]*ECONNREFUSED[\s\S]*anna@example\.org was refused/)
    await receipt.getByRole('link', { name: 'Try again' }).click()
    expect(await page.getByRole('main').textContent()).toContain('This retries 1 dead letter')
    await page.getByRole('main').getByRole('button', { name: 'Retry' }).click()

    expect(await page.getByRole('status').textContent()).toContain('1 dead letter is tried again.')
    await until('the receipt is sent', async () => {
      await page.reload()
      return /\bdone\b/.test((await receipt.textContent()) ?? '')
    })
    expect((await shop.bus.acts.list()).acts).toMatchObject([{ act: 'deadLetters.retry', by: 'anna', count: 1 }])
    expect(shop.complaints).toEqual([])
  })

  test('every page has the same headings as with JavaScript, and needs no script', async () => {
    const [plain, scripted] = [await shop.open({ javaScriptEnabled: false }), await shop.open()]

    for (const path of await shop.everyPath()) {
      await Promise.all([plain.goto(shop.addressOf(path)), scripted.goto(shop.addressOf(path))])
      const headings = await Promise.all([plain, scripted].map((page) => page.getByRole('heading').allTextContents()))
      expect(headings[0], path).toEqual(headings[1])
      expect(headings[0]?.length, path).toBeGreaterThan(0)
    }
    expect(shop.complaints).toEqual([])
  })
})

test.each(['light', 'dark'] as const)(
  'in %s, axe finds no problem on any page, and the browser blocks nothing',
  async (colorScheme) => {
    const page = await shop.open({ colorScheme })

    for (const path of await shop.everyPath()) {
      await page.goto(shop.addressOf(path))
      await page.evaluate(AXE)
      const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()')
      expect(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html).slice(0, 3)]),
        path,
      ).toEqual([])
    }
    expect(shop.complaints).toEqual([])
  },
)

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string }[]
}

test('on every page the keyboard skips the navigation in one step, and reaches everything that can be pressed, with visible focus', async () => {
  const page = await shop.open()

  for (const path of ['/', '/events', '/dead-letters', '/lanes', `/events/${await shop.idOf('order-4712')}`]) {
    await page.goto(shop.addressOf(path))
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent'), path).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id'), path).toBe('main')

    await page.goto(shop.addressOf(path))
    await page.evaluate(MARK)
    for (let n = Number(await page.evaluate('marked.length')); n > 0; n -= 1) {
      await page.keyboard.press('Tab')
      await page.evaluate(REACH)
    }
    expect(await page.evaluate('marked.filter((one) => !reached.has(one)).map((one) => one.outerHTML)'), path).toEqual(
      [],
    )
    expect(await page.evaluate('unseen'), path).toEqual([])
  }
})

const MARK = `marked = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .filter((one) => one.checkVisibility() && one.tabIndex >= 0)
  reached = new Set(); unseen = []`
const REACH = `reached.add(document.activeElement)
  if (getComputedStyle(document.activeElement).outlineStyle === 'none') unseen.push(document.activeElement.outerHTML)`

test('an open page updates itself without moving anything, and keeps the keyboard focus', async () => {
  const page = await shop.open()
  await page.goto(shop.addressOf('/'))
  await until('it is drawn', async () => (await page.getByRole('row').filter({ hasText: 'mail.receipt' }).count()) > 0)
  await page.evaluate(`shifts = []; new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value)))
    .observe({ type: 'layout-shift', buffered: false })`)
  await page.getByRole('main').getByRole('link', { name: 'mail.receipt' }).first().focus()
  const before = await rowOf(page, 'mail.receipt')

  shop.trouble.isMailDown = true
  await shop.bus.publish(OrderPlaced({ order: '4714' }))
  await until('another one is dead on it', async () => (await rowOf(page, 'mail.receipt')) !== before, 25_000)

  expect(await page.evaluate('document.activeElement.textContent')).toBe('mail.receipt')
  expect(await page.evaluate('shifts')).toEqual([])
  expect(shop.complaints).toEqual([])
})

test('scripts in events, keys, errors and names of people never run', async () => {
  const page = await shop.open()
  const before = await shop.bus.deadLetters.count()
  shop.trouble.isMailDown = true
  await shop.bus.publish(
    OrderPlaced(
      { order: ATTACK, email: ATTACK },
      { correlationId: ATTACK, source: ATTACK, metadata: { [ATTACK]: ATTACK } },
    ),
  )
  await until('its receipt is dead', async () => (await shop.bus.deadLetters.count()) > before)
  await shop.bus.pause({ handler: 'web.count' }, { by: ATTACK, reason: ATTACK })
  const id = await shop.idOf(`order-${ATTACK}`)
  const own = new URLSearchParams({
    handler: 'stock.reserve',
    key: `order-${ATTACK}`,
    back: ATTACK,
    type: ATTACK,
  }).toString()

  for (const path of [
    ...(await shop.everyPath()),
    `/events/${id}`,
    `/lanes/show?${own}`,
    `/events?${own}`,
    `/dead-letters?${own}`,
    `/do/pause-lane?${own}`,
    `/${encodeURIComponent(ATTACK)}`,
  ]) {
    await page.goto(shop.addressOf(path))
    expect(await page.locator('img, [onerror], [onload], script:not([src]), a[href^="javascript"]').count(), path).toBe(
      0,
    )
  }
  expect(shop.complaints.filter((one) => !one.includes('404') && !one.includes('400'))).toEqual([])
})

async function rowOf(page: Page, handler: string): Promise<string> {
  return (await page.getByRole('row').filter({ hasText: handler }).first().textContent()) ?? ''
}
