/** The operator page: each action does what its preview said, is recorded with its user, and leads back to the page that it came from. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { operatorPage } from '../../../src/ui/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { drained } from '../../support/drained.ts'
import { visitorOf, type Visitor } from '../../support/operator-page.ts'
import { handlersIn, OrderPlaced } from '../../support/stage-for-operators.ts'
import { emptyTables } from '../../support/stored.ts'

const trouble = { isMailDown: true, isStockWrong: true }
let shop: TestBus
let visitor: Visitor

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn(trouble) })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  visitor = visitorOf(operatorPage(shop.bus, { access: () => ({ level: 'all', by: 'anna' }) }))
  Object.assign(trouble, { isMailDown: true, isStockWrong: true })
  await shop.bus.publish(['4711', '4712', '4713'].map((order) => OrderPlaced({ order })))
  await drained(shop.bus)
  Object.assign(trouble, { isMailDown: false, isStockWrong: false })
})

describe('dead letters', () => {
  const RECEIPTS = '/dead-letters?handler=mail.receipt&error=ECONNREFUSED'

  test('are grouped by handler and error, with their number', async () => {
    const { text, html } = await visitor.get('/dead-letters')

    expect(text).toMatch(/mail\.receipt ECONNREFUSED 3 Retry Dismiss/)
    expect(text).toMatch(/stock\.reserve TypeError 3 Retry Dismiss/)
    expect(html).toContain('href="/dead-letters?handler=mail.receipt&amp;error=ECONNREFUSED"')
  })

  test('of one filter are retried together: previewed with numbers, done, recorded, and back at the filter', async () => {
    const list = await visitor.get(RECEIPTS)
    const preview = await visitor.get(linkIn(list.html, 'retry-dead-letters'))
    const done = await visitor.submit(preview, { reason: 'the mail server is back' })

    expect(preview.text).toContain('This retries 3 dead letters of mail.receipt that died of ECONNREFUSED.')
    expect(done).toMatchObject({ status: 200, at: RECEIPTS })
    expect(done.text).toContain('3 dead letters are tried again.')
    expect(await lastAct()).toMatchObject({
      act: 'deadLetters.retry',
      by: 'anna',
      reason: 'the mail server is back',
      count: 3,
    })
    expect(await drained(shop.bus)).toMatchObject({ done: 3, dead: 0 })
  })

  test('are dismissed only as far as they were chosen', async () => {
    const [letter] = (await shop.bus.deadLetters.list({ handler: 'mail.receipt' })).deadLetters
    const preview = await visitor.get(`/do/dismiss-dead-letters?id=${letter?.deliveryId}&back=/dead-letters`)
    const done = await visitor.submit(preview)

    expect(preview.text).toContain('This gives up 1 dead letter that you chose for good.')
    expect(done.text).toContain('1 dead letter is dismissed.')
    expect(await shop.bus.deadLetters.count()).toBe(5)
    expect(await lastAct()).toMatchObject({ act: 'deadLetters.dismiss', by: 'anna', reason: null, count: 1 })
  })

  test('are retried only up to the number in the preview', async () => {
    const preview = await visitor.get('/do/retry-dead-letters?handler=mail.receipt')
    trouble.isMailDown = true
    await shop.bus.publish(OrderPlaced({ order: '4714' }))
    await drained(shop.bus)
    const done = await visitor.submit(preview)

    expect(done.text).toContain('3 dead letters are tried again.')
    expect(await shop.bus.deadLetters.count({ handler: 'mail.receipt' })).toBe(1)
  })

  test('an action without a choice is refused, and does not mean all', async () => {
    const preview = await visitor.get('/do/retry-dead-letters?back=/dead-letters')

    expect(preview.status).toBe(409)
    expect(preview.text).toContain('No dead letter was chosen')
    expect(preview.html).not.toContain('method="post"')
  })

  test('if none matches, there is nothing to confirm', async () => {
    const preview = await visitor.get('/do/retry-dead-letters?handler=web.count')

    expect(preview.text).toContain('No open dead letter matches.')
    expect(preview.html).not.toContain('method="post"')
  })
})

test('the result of an action is shown once', async () => {
  const preview = await visitor.get('/do/retry-dead-letters?all=yes&back=/dead-letters')
  const done = await visitor.submit(preview)
  const again = await visitor.get('/dead-letters')

  expect(done.text).toContain('6 dead letters are tried again.')
  expect(again.text).not.toContain('tried again')
})

describe('a post is refused, and nothing is done, when it', () => {
  test.each([
    ['comes from another site', {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['comes from a neighbour of the site', {}, { origin: 'https://other.shop.example', 'sec-fetch-site': 'same-site' }],
    ['does not say where it comes from', {}, {}],
    ['comes from a place that hides itself', {}, { origin: 'null' }],
    ['carries no token', { token: '' }, undefined],
    ['carries the token of another browser', { token: 'x'.repeat(43) }, undefined],
  ])('%s', async (_, fields, headers) => {
    const preview = await visitor.get('/do/retry-dead-letters?handler=mail.receipt')

    const answer = await visitor.submit(preview, fields, headers)

    expect(answer.status).toBe(403)
    expect(await shop.bus.deadLetters.count()).toBe(6)
    expect((await shop.bus.acts.list()).acts).toEqual([])
  })

  test('is not a form', async () => {
    const page = operatorPage(shop.bus, { access: () => 'all' })
    const request = new Request('https://shop.example/do/retry-dead-letters', {
      method: 'POST',
      body: JSON.stringify({ all: 'yes' }),
      headers: { 'content-type': 'application/json', origin: 'https://shop.example' },
    })

    expect((await page.fetch(request)).status).toBe(403)
    expect((await shop.bus.acts.list()).acts).toEqual([])
  })

  test('is larger than any form', async () => {
    const preview = await visitor.get('/do/retry-dead-letters?handler=mail.receipt')

    expect((await visitor.submit(preview, { reason: 'x'.repeat(300_000) })).status).toBe(413)
    expect((await shop.bus.acts.list()).acts).toEqual([])
  })
})

// More such cases are in test/unit/ui/problems.test.ts.
test.each(['//evil.example', '/\\evil.example'])(
  'an action never leads to another site: %j becomes the first page',
  async (back) => {
    const preview = await visitor.get(`/do/retry-dead-letters?handler=mail.receipt&back=${encodeURIComponent(back)}`)
    const done = await visitor.submit(preview)

    expect(preview.html).not.toMatch(/href="[^"]*evil|href="javascript/)
    expect(done.at).toBe('/')
  },
)

function linkIn(html: string, action: string): string {
  return new RegExp(`href="([^"]*/do/${action}[^"]*)"`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
}

async function lastAct() {
  return (await shop.bus.acts.list()).acts[0]
}
