/** The operator page as a route handler of a real Next application, which gets Postbus as a package: built, and not bundled. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { visitorOf, type Visitor } from '../support/operator-page.ts'
import { handlersIn, OrderPlaced } from '../support/stage-for-operators.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')
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
let folder: string
let next: ChildProcess
let visitor: Visitor
let said = ''

beforeAll(async () => {
  shop = await openTestBus({ handlers: handlersIn({ isMailDown: true, isStockWrong: false }) })
  await shop.bus.publish([OrderPlaced({ order: '4711' }), OrderPlaced({ order: '4712' })])
  await drained(shop.bus)
  folder = await anApplication()
  const port = await aFreePort()
  const program = join(ROOT, 'node_modules/next/dist/bin/next')
  next = spawn(process.execPath, [program, 'dev', '--webpack', '--port', String(port), '--hostname', '127.0.0.1'], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: shop.connectionString, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: 'pipe',
    detached: true,
  })
  next.stdout?.on('data', (text) => (said += String(text)))
  next.stderr?.on('data', (text) => (said += String(text)))
  visitor = visitorOf({ fetch: (request) => fetch(request) }, `http://127.0.0.1:${port}`)
  await until('Next listens', () => said.includes('Ready') || next.exitCode !== null, 60_000)
  expect(next.exitCode, said).toBe(null)
}, 240_000)

afterAll(async () => {
  if (next?.pid !== undefined && next.exitCode === null) {
    process.kill(-next.pid, 'SIGTERM')
    await once(next, 'exit')
  }
  await rm(folder, { recursive: true, force: true })
  await shop.close()
}, 30_000)

test('the page is shown under its path, an action works and keeps its filter, and a form of another site is refused', async () => {
  const [first, list] = [await visitor.get('/ops'), await visitor.get(RECEIPTS)]
  expect([first.status, list.status], said).toEqual([200, 200])
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

test('a browser that only says its origin may post as well', async () => {
  await drained(shop.bus)
  const preview = await visitor.get('/ops/do/dismiss-dead-letters?all=yes&back=/dead-letters')
  const done = await visitor.submit(preview, {}, { origin: visitor.origin })

  expect(done.text).toContain('2 dead letters are dismissed.')
}, 60_000)

/** Within this checkout, so that it finds the packages beside ours. */
async function anApplication(): Promise<string> {
  await mkdir(join(ROOT, '.postbus'), { recursive: true })
  const made = await mkdtemp(join(ROOT, '.postbus/next-'))
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(made, name)), { recursive: true })
    await writeFile(join(made, name), text)
  }
  const installed = join(made, 'node_modules/postbus')
  await mkdir(installed, { recursive: true })
  await copyFile(join(ROOT, 'package.json'), join(installed, 'package.json'))
  await run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(installed, 'dist')], { cwd: ROOT })
  return made
}

async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
