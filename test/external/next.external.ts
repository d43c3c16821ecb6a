/** The operator page as a route handler of a real Next application that has Postbus as a package, which Next builds but does not bundle. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { folderWithPackage, startNext, type RunningNext } from '../support/next-application.ts'
import { visitorOf, type Visitor } from '../support/operator-page.ts'
import { handlersIn, OrderPlaced } from '../support/stage-for-operators.ts'

const RECEIPTS = '/ops/dead-letters?handler=mail.receipt&error=ECONNREFUSED'

const FILES = {
  'package.json': `{ "type": "module", "private": true }`,
  'next.config.mjs': `export default { serverExternalPackages: ['postbus', 'pg', 'pg-boss'] }`,
  'page.js': `import { createBus } from 'postbus'
import { operatorPage } from 'postbus/ui'

const bus = createBus({ connectionString: process.env.DATABASE_URL, handlers: [] })
export const page = operatorPage(bus, { access: () => ({ level: 'all', by: 'anna' }), basePath: '/ops' })`,
  'app/ops/[[...path]]/route.js': `import { page } from '../../../page.js'

export const GET = page.fetch
export const POST = page.fetch`,
} as const

let shop: TestBus
let next: RunningNext
let visitor: Visitor

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn({ isMailDown: true, isStockWrong: false }) })
  await shop.bus.publish([OrderPlaced({ order: '4711' }), OrderPlaced({ order: '4712' })])
  await drained(shop.bus)
  next = await startNext(await anApplication(), shop.connectionString)
  visitor = visitorOf({ fetch: (request) => fetch(request) }, next.url)
}, 300_000)

afterAll(async () => {
  await next.stop()
  await shop.close()
}, 30_000)

test('the page works under its path, an action keeps its filter, and a form of another site is refused', async () => {
  const [first, list] = [await visitor.get('/ops'), await visitor.get(RECEIPTS)]
  expect([first.status, list.status], next.said()).toEqual([200, 200])
  const style = await visitor.get(/href="(\/ops\/assets\/style-[^"]*)"/.exec(first.html)?.[1] ?? '')
  const link = /href="([^"]*\/do\/retry-dead-letters[^"]*)"/.exec(list.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const preview = await visitor.get(link)

  const foreign = await visitor.submit(preview, {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })
  const hiding = await visitor.submit(preview, {}, {})
  const before = await shop.bus.acts.list()
  const done = await visitor.submit(preview, { reason: 'mail & post = back; ümläut' })

  expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8')
  expect(first.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect([foreign.status, hiding.status, before.acts]).toEqual([403, 403, []])
  expect(done).toMatchObject({ status: 200, at: RECEIPTS })
  expect(done.text).toContain('2 dead letters are tried again.')
  expect((await shop.bus.acts.list()).acts).toMatchObject([
    { by: 'anna', reason: 'mail & post = back; ümläut', count: 2 },
  ])
}, 120_000)

test('a browser that sends only its origin may post too', async () => {
  await drained(shop.bus)
  const preview = await visitor.get('/ops/do/dismiss-dead-letters?all=yes&back=/dead-letters')
  const done = await visitor.submit(preview, {}, { origin: visitor.origin })

  expect(done.text).toContain('2 dead letters are dismissed.')
}, 60_000)

async function anApplication(): Promise<string> {
  const folder = await folderWithPackage()
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}
