/** README and the first pages are promises too: their code blocks compile and run, and their command lines work. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Bus, EventType, Handler } from '../src/index.ts'
import { runEvent } from '../src/testing/index.ts'
import { openTestBus, type TestBus } from './support/bus.ts'
import { writePageBlocks } from './support/page-blocks.ts'
import { runTestBlocks } from './support/run-blocks.ts'
import { postbusCommands, writeReadmeBlocks, type ReadmeBlocks } from './support/readme-blocks.ts'

const run = promisify(execFile)
let opened: TestBus
let blocks: ReadmeBlocks
/** Pages whose blocks need no application. */
let pages: readonly ReadmeBlocks[]

beforeAll(async () => {
  opened = await openTestBus()
  await opened.database.query('create table orders (id text primary key)')
  blocks = writeReadmeBlocks('modules', appWithEveryClient(opened.connectionString))
  pages = [
    ...[
      'pace',
      'nestjs',
      'receiving',
      'sql',
      'frameworks',
      'multi-tenancy',
      'relays',
      'brokers',
      'concepts',
      'reference/signals',
    ].map((page) => writeReadmeBlocks(page.replaceAll('/', '-'), 'export {}\n', `docs/${page}.md`)),
    ...writePageBlocks(),
  ]
})

beforeEach(() => {
  vi.resetModules()
})

afterEach(async () => {
  const { close } = await load<{ close: () => Promise<void> }>('app.ts')
  await close()
})

afterAll(async () => {
  for (const { remove } of [blocks, ...pages]) remove()
  await opened.close()
})

async function load<Exports>(file: string): Promise<Exports> {
  return (await import(pathToFileURL(resolve(blocks.folder, file)).href)) as Exports
}

test('the code blocks compile as strictly as the library itself', async () => {
  const config = join(blocks.folder, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../../../tsconfig.json',
      compilerOptions: { erasableSyntaxOnly: false }, // for the constructors that users of Nest write
      include: ['*.ts', ...pages.map(({ folder }) => `../../../${folder}/*.ts`)],
    }),
  )

  const { stdout } = await run('npx', ['tsc', '-p', config]).catch((error: { stdout: string }) => error)

  expect(stdout).toBe('')
})

test('the first example publishes with its order, and a worker makes the invoice', async () => {
  const { bus } = await load<{ bus: Bus }>('example.ts')
  const counts = await bus.worker().drain()
  await bus.close()

  const { invoices, order } = await load<{ invoices: { made: string[] }; order: { id: string } }>('app.ts')
  const { rows } = await opened.database.query('select id from orders')
  expect({ rows, counts, made: invoices.made }).toEqual({
    rows: [{ id: order.id }],
    counts: { done: 1, failed: 0, dead: 0, snoozed: 0 },
    made: [order.id],
  })
})

test('every way to publish stores its events, and a delivery for each handler', async () => {
  const { bus } = await load<{ bus: Bus }>('postbus.config.ts')
  const ways =
    await load<Record<string, (executeSql?: unknown) => Promise<{ events: { deliveries: number }[] }>>>('publish.ts')

  const published = await Promise.all(
    Object.entries(ways).map(async ([name, publish]) =>
      name === 'withAnythingElse' ? publishInTransaction(publish) : (await publish()).events,
    ),
  )

  expect(published.flat().map((event) => event.deliveries)).toEqual(
    Array.from({ length: Object.keys(ways).length + 1 }, () => 3),
  )
  await bus.close()
})

test('the blocks of the record, the worker and the dead letters run', async () => {
  await load('record.ts')
  await load('dead-letters.ts')
  await load('worker.ts')

  const { bus } = await load<{ bus: Bus }>('postbus.config.ts')
  await expect(bus.publish([])).resolves.toEqual({ events: [] })
  await expect(bus.deadLetters.list()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
})

test('listening to lists, one definition under several names, and shadows work as the text says', async () => {
  const { OrderCreated, OrderShipped } = await load<Record<'OrderCreated' | 'OrderShipped', AnEventType>>('events.ts')
  const { timeline, notifications, tracking } = await load<Listening>('listening.ts')
  const order = OrderCreated({ orderId: 'o-1', total: 101, placedAt: new Date(0) })
  const parcel = OrderShipped({ orderId: 'o-1', shippedAt: new Date(0) })

  const ran = await Promise.all([
    ...[timeline, ...notifications].map((handler) => runEvent(handler, order as never)),
    runEvent(tracking, parcel as never),
  ])

  expect(ran).toEqual([
    { state: 'processed', result: 'ordered for 101' },
    { state: 'processed', result: 'sales: o-1' },
    { state: 'not_interested' },
    { state: 'processed', result: new Date(0) },
  ])
})

test('a block’s result is published together with its order, and explain names the handlers that are not interested', async () => {
  const { created } = await load<{ created: unknown }>('publish-result.ts')
  const { uninterested } = await load<{ uninterested: { handler: string; reason: string }[] }>('explain.ts')

  const { rows } = await opened.database.query(
    `select type from postbus.event where payload #>> '{json,orderId}' = 'o-2'`,
  )
  expect(created).toMatchObject({ orderId: 'o-2' })
  expect(rows).toEqual([{ type: 'orders.order-created' }])
  expect(uninterested).toEqual([expect.objectContaining({ handler: 'finances.create-invoice', reason: 'filtered' })])
  const { bus } = await load<{ bus: Bus }>('postbus.config.ts')
  await bus.close()
})

test('the block of tests passes', async () => {
  expect(await runTestBlocks(blocks.folder)).toMatch(/Tests +2 passed \(2\)/)
})

describe('command lines', () => {
  let folder: ReadmeBlocks

  beforeAll(() => {
    folder = writeReadmeBlocks('commands', appForCommands(opened.connectionString))
    writeFileSync(join(folder.folder, 'order.json'), '{"orderId":"o-1","total":42,"placedAt":"2026-01-31T12:00:00Z"}')
  })
  afterAll(() => folder.remove())

  test.each(
    postbusCommands()
      .filter((words) => !isTriedElsewhere(words))
      .map((words) => [words.join(' '), words] as const),
  )('postbus %s', async (_, words) => {
    const cli = resolve('src/cli/main.ts')
    const { code, stderr } = await run('node', [cli, ...words], { cwd: folder.folder }).then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    )

    const namesOne = words.some((word) => /^[\da-f]{8}-/.test(word)) || (words[0] === 'dead' && words.length > 2)
    const expected = namesOne ? [0, 1] : [0] // a command that names an id may fail, because no such id exists
    expect(expected, stderr).toContain(code)
  })
})

test('README takes at most two minutes to read, and every page that it links to exists', () => {
  const readme = readFileSync('README.md', 'utf8')
  const leadsTo = Array.from(readme.matchAll(/\]\(([\w./-]+)\)/g), ([, page = '']) => page)

  expect(readme.split(/\s+/).length).toBeLessThan(1_200)
  expect(leadsTo.length).toBeGreaterThan(20)
  expect(leadsTo.filter((page) => !existsSync(page))).toEqual([])
})

type AnEventType = EventType<string, number, object>

interface Listening {
  readonly timeline: Handler
  readonly notifications: readonly Handler[]
  readonly tracking: Handler
}

function isTriedElsewhere([command, ...options]: readonly string[]): boolean {
  return command === 'dev' || command === 'init' || (command === 'worker' && !options.includes('--once'))
}

async function publishInTransaction(publish: (executeSql: unknown) => Promise<{ events: { deliveries: number }[] }>) {
  const client = await opened.database.connect()
  try {
    await client.query('begin')
    const { events } = await publish((text: string, values: unknown[]) => client.query(text, values))
    await client.query('commit')
    return events
  } finally {
    client.release()
  }
}

function appForCommands(connectionString: string): string {
  return `
export const connectionString = ${JSON.stringify(connectionString)}
export const order = { id: 'o-1' }
export const invoices = { made: [] as string[], async create(orderId: string, total: number) { if (total > 0) this.made.push(orderId) } }
export const cards = { charge: async (orderId: string, options: { signal: AbortSignal }): Promise<string> => options.signal.aborted ? orderId : 'ok' }
`
}

function appWithEveryClient(connectionString: string): string {
  return `${appForCommands(connectionString)}
import { PrismaPg } from '@prisma/adapter-pg'
import { drizzle } from 'drizzle-orm/node-postgres'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import postgres from 'postgres'
import { PrismaClient } from '../../../test/support/prisma/client/client.ts'

export const pgPool = new Pool({ connectionString, max: 4 })
export const db = new Kysely<{ orders: { id: string } }>({ dialect: new PostgresDialect({ pool: pgPool }) })
export const sql = postgres(connectionString, { max: 1 })
export const drizzleDb = drizzle(pgPool)
export const knexDb = knex({ client: 'pg', connection: connectionString })
export const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) })
export const close = () => Promise.all([pgPool.end(), sql.end(), knexDb.destroy(), prisma.$disconnect()])
`
}
