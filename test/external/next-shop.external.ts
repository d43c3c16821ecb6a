/** `examples/next` as a user has it: Postbus as a package, a route handler and a server action that publish, and a worker elsewhere. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')

let shop: TestBus
let folder: string
let next: ChildProcess
let url: string
let said = ''

beforeAll(async () => {
  shop = await openTestBus()
  await shop.database.query('create table orders (id text primary key, sku text not null)')
  folder = await theExample()
  const port = await aFreePort()
  url = `http://127.0.0.1:${port}`
  const program = join(ROOT, 'node_modules/next/dist/bin/next')
  next = spawn(process.execPath, [program, 'dev', '--webpack', '--port', String(port), '--hostname', '127.0.0.1'], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: shop.connectionString, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: 'pipe',
    detached: true,
  })
  next.stdout?.on('data', (text) => (said += String(text)))
  next.stderr?.on('data', (text) => (said += String(text)))
  await until('Next listens', () => said.includes('Ready') || next.exitCode !== null, 120_000)
  expect(next.exitCode, said).toBe(null)
}, 300_000)

afterAll(async () => {
  if (next?.pid !== undefined && next.exitCode === null) {
    process.kill(-next.pid, 'SIGTERM')
    await once(next, 'exit')
  }
  await rm(folder, { recursive: true, force: true })
  await shop.close()
}, 30_000)

test('a route handler replies when the order and its event are committed, and runs `after` after that', async () => {
  const post = (order: object) =>
    fetch(`${url}/api/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'request 1' },
      body: JSON.stringify(order),
    })

  const [created, refused] = [await post({ orderId: 'o-1', sku: 'tea' }), await post({ orderId: 'o-2' })]
  const again = await post({ orderId: 'o-1', sku: 'tea' })

  expect([created.status, refused.status, again.status], said).toEqual([201, 400, 500])
  const { events } = await shop.bus.events.list()
  expect(events).toMatchObject([{ type: 'orders.order-created', correlationId: 'request 1', data: { orderId: 'o-1' } }])
  await until('`after` has run', () => said.includes('replied: o-1'))
}, 180_000)

test('the form of a server action orders, as a browser without JavaScript sends it', async () => {
  const page = await (await fetch(`${url}/orders`)).text()
  const hidden = [...page.matchAll(/<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?/g)]
  const form = new FormData()
  for (const [, name = '', value = ''] of hidden) form.set(name, value.replaceAll('&quot;', '"'))
  form.set('orderId', 'o-3')
  form.set('sku', 'salt')
  const posted = await fetch(`${url}/orders`, { method: 'POST', body: form, headers: { origin: url } })

  expect(posted.status, said).toBe(200)
  const { events } = await shop.bus.events.list({ text: 'o-3' })
  expect(events).toMatchObject([{ data: { orderId: 'o-3', sku: 'salt' } }])
}, 180_000)

/** Within this checkout, so that it finds the packages beside ours. */
async function theExample(): Promise<string> {
  await mkdir(join(ROOT, '.postbus'), { recursive: true })
  const made = await mkdtemp(join(ROOT, '.postbus/next-shop-'))
  await cp(join(ROOT, 'examples/next'), made, { recursive: true })
  await writeFile(join(made, 'package.json'), '{ "type": "module", "private": true }')
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
