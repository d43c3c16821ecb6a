/** The blocks of docs/middleware.md, docs/broadcast.md, docs/telemetry.md, docs/health.md and docs/operator-page.md compile, and work as described. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Bus, Envelope } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { runTestBlocks } from '../support/run-blocks.ts'
import { until } from '../support/until.ts'
import { writeReadmeBlocks, type ReadmeBlocks } from '../support/readme-blocks.ts'

let opened: TestBus
let blocks: ReadmeBlocks
let broadcast: ReadmeBlocks
let telemetry: ReadmeBlocks
let health: ReadmeBlocks
let operators: ReadmeBlocks

beforeAll(async () => {
  opened = await openTestBus()
  blocks = writeReadmeBlocks('middleware', app(opened.connectionString), 'docs/middleware.md')
  broadcast = writeReadmeBlocks('broadcast', shopApp(opened.connectionString), 'docs/broadcast.md')
  telemetry = writeReadmeBlocks('telemetry', app(opened.connectionString), 'docs/telemetry.md')
  health = writeReadmeBlocks('health', healthApp(opened.connectionString), 'docs/health.md')
  operators = writeReadmeBlocks('operator-page', operatorsApp(opened.connectionString), 'docs/operator-page.md')
})

afterAll(async () => {
  const { close } = await load<{ close(): Promise<unknown> }>('app.ts')
  await close()
  blocks.remove()
  broadcast.remove()
  telemetry.remove()
  health.remove()
  operators.remove()
  await opened.close()
})

test('the blocks compile as strictly as the library itself', async () => {
  const config = join(blocks.folder, 'tsconfig.json')
  const include = ['*.ts', '../broadcast/*.ts', '../telemetry/*.ts', '../health/*.ts', '../operator-page/*.ts']
  writeFileSync(config, JSON.stringify({ extends: '../../../tsconfig.json', include }))

  const { stdout } = await promisify(execFile)('npx', ['tsc', '-p', config]).catch((error: { stdout: string }) => error)

  expect(stdout).toBe('')
})

test('the handler and its transaction get the tenant, failures are reported, and everything is logged', async () => {
  const { bus } = await load<{ bus: Bus }>('bus.ts')
  const { currentTenant } = await load<{ currentTenant: AsyncLocalStorage<string> }>('tenants.ts')
  const { OrderCreated, seen } = await load<App>('app.ts')
  const publish = (orderId: string) => bus.publish(OrderCreated({ orderId }))

  await expect(publish('o-0')).rejects.toThrow('for a tenant')
  for (const tenant of ['acme', 'closed']) await currentTenant.run(tenant, () => publish(`${tenant}-1`))
  await currentTenant.run('acme', () => publish('bad'))
  const counts = await bus.worker().drain()
  await bus.close()

  expect(counts).toMatchObject({ done: 2, dead: 1 })
  expect(seen.handled.toSorted()).toEqual(['acme acme-1 true', 'acme bad true'])
  expect(seen.reported).toEqual(['no such order'])
  expect(seen.logged.filter((line) => line.startsWith('published'))).toHaveLength(3)
  expect(seen.logged.filter((line) => /attempt 1: \d+ ms/.test(line))).toHaveLength(3)
})

test('a changed price leaves the cache when the transaction commits, and its test passes', async () => {
  await opened.database.query(`create table prices (id text, cents integer); insert into prices values ('tea', 300)`)
  const shop = await load<Prices>('prices.ts', broadcast)
  const before = await shop.priceOf('tea')

  await shop.changePrice('tea', 310)
  await until('the cache has forgotten', async () => (await shop.priceOf('tea')) === 310)
  await shop.stop()
  const { close } = await load<{ close(): Promise<unknown> }>('app.ts', broadcast)
  await close()

  expect(before).toBe(300)
  expect(await runTestBlocks(broadcast.folder)).toMatch(/Tests +1 passed \(1\)/)
})

test('a bus with telemetry works without an SDK', async () => {
  const { bus } = await load<{ bus: Bus }>('bus.ts', telemetry)
  const { OrderCreated, close } = await load<App & { close(): Promise<unknown> }>('app.ts', telemetry)

  await bus.publish(OrderCreated({ orderId: 'o-1' }))

  expect(await bus.worker().drain()).toMatchObject({ done: 1 })
  await bus.close()
  await close()
})

test('the health check of an application server reports whether its worker is ready', async () => {
  const { server, stop } = await load<{ server: Server; stop(): Promise<void> }>('server.ts', health)
  const { bus } = await load<{ bus: Bus }>('app.ts', health)
  await once(server.listen(0, '127.0.0.1'), 'listening')

  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health/readyz`)

  expect(await response.json()).toEqual({ ready: true, reasons: [] })
  await stop()
  await bus.close()
  await load('logs.ts', health)
})

test('the operator page serves the people whom the application allows, and masks the named data', async () => {
  const { app: server } = await load<{ app: { request(path: string, init?: RequestInit): Promise<Response> } }>(
    'server.ts',
    operators,
  )
  const { page } = await load<{ page: { fetch(request: Request): Promise<Response> } }>('masked.ts', operators)
  const { bus, PatientAdmitted } = await load<{ bus: Bus; PatientAdmitted(data: { name: string }): Envelope }>(
    'app.ts',
    operators,
  )
  await bus.publish(PatientAdmitted({ name: 'Anna' }))

  const asUser = async (user: string | null, path: string) =>
    server.request(path, { headers: user === null ? {} : { 'x-user': user } })
  const [stranger, reader, operator] = await Promise.all(
    [null, 'reader', 'anna'].map((user) => asUser(user, '/ops/postbus')),
  )
  const events = await (await page.fetch(new Request('https://shop.example/events'))).text()
  await bus.close()

  expect([stranger, reader, operator].map((answer) => answer?.status)).toEqual([401, 200, 200])
  expect(await operator?.text()).toContain('anna · may act')
  expect(events).toContain('(medical)')
  expect(events).not.toContain('Anna')
})

interface Prices {
  priceOf(productId: string): Promise<number>
  changePrice(productId: string, cents: number): Promise<void>
  stop(): Promise<void>
}

interface App {
  OrderCreated(data: { orderId: string }): Envelope
  readonly seen: Record<'handled' | 'reported' | 'logged', string[]>
}

async function load<Exports>(file: string, { folder } = blocks): Promise<Exports> {
  return (await import(pathToFileURL(resolve(folder, file)).href)) as Exports
}

function app(connectionString: string): string {
  return `
import { AsyncLocalStorage } from 'node:async_hooks'
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../../src/index.ts'
export const connectionString = ${JSON.stringify(connectionString)}
export const seen = { handled: [] as string[], reported: [] as string[], logged: [] as string[] }
export const log = (line: string) => void seen.logged.push(line)
export const report = (error: unknown, _about: object) => void seen.reported.push(String((error as Error).message))
export const isClosed = (tenant: string) => tenant === 'closed'
export const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 4 }) }) })
export const currentTransaction = new AsyncLocalStorage<Transaction<object>>()
export const close = () => db.destroy()
export const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string() }) })
export const handlers = [
  defineHandler('orders.note', {
    on: OrderCreated,
    maxAttempts: 1,
    handle({ data, metadata }) {
      seen.handled.push(\`\${String(metadata['tenant'])} \${data.orderId} \${currentTransaction.getStore() !== undefined}\`)
      if (data.orderId === 'bad') throw new Error('no such order')
    },
  }),
]
`
}

function healthApp(connectionString: string): string {
  return `
import { createBus } from '../../../src/index.ts'
export const bus = createBus({ connectionString: ${JSON.stringify(connectionString)}, onSignal: () => undefined })
const write = (_values: object, _message: string) => undefined
export const logger = { debug: write, info: write, warn: write, error: write }
`
}

function shopApp(connectionString: string): string {
  return `
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { createBus } from '../../../src/index.ts'
const connectionString = ${JSON.stringify(connectionString)}
export const bus = createBus({ connectionString, onSignal: () => undefined })
export const db = new Kysely<{ prices: { id: string; cents: number } }>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 2 }) }) })
export const close = () => Promise.all([bus.close(), db.destroy()])
export const readPrice = async (id: string) =>
  (await db.selectFrom('prices').select('cents').where('id', '=', id).executeTakeFirstOrThrow()).cents
`
}

function operatorsApp(connectionString: string): string {
  return `
import { z } from 'zod'
import { createBus, defineEvent } from '../../../src/index.ts'
export const PatientAdmitted = defineEvent('patients.admitted', { schema: z.object({ name: z.string() }) })
export const bus = createBus({ connectionString: ${JSON.stringify(connectionString)}, onSignal: () => undefined, events: [PatientAdmitted] })
export async function sessionOf(request: Request): Promise<{ readonly name: string; readonly isOperator: boolean } | null> {
  const name = request.headers.get('x-user')
  return name === null ? null : { name, isOperator: name === 'anna' }
}
`
}
