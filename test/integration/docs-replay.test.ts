/** The blocks of docs/replay.md run as they are. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { postbusCommands, writeReadmeBlocks, type ReadmeBlocks } from '../support/readme-blocks.ts'

const DOCUMENT = 'docs/replay.md'
let here: TestDatabase
let elsewhere: TestDatabase
let blocks: ReadmeBlocks

beforeAll(async () => {
  ;[here, elsewhere] = [await createDatabase(), await createDatabase()]
  blocks = writeReadmeBlocks('replay', app(), DOCUMENT)
  for (const { connectionString } of [here, elsewhere]) {
    await using bus = createBus({ connectionString, onSignal: () => undefined })
    await bus.migrate()
  }
})

afterAll(async () => {
  const { close } = await load<{ close(): Promise<unknown> }>('app.ts')
  await close()
  blocks.remove()
  await here.drop()
  await elsewhere.drop()
})

test('the blocks run: a replay, a handler with a backfill, a transfer', async () => {
  const { bus, OrderCreated } = await load<{
    bus: ReturnType<typeof createBus>
    OrderCreated: (data: object) => never
  }>('app.ts')
  await bus.publish(OrderCreated({ orderId: 'o-1' }))
  for (const file of blocks.files) await load(file)

  const { otherBus, indexed } = await load<{ otherBus: ReturnType<typeof createBus>; indexed: string[] }>('app.ts')
  await bus.worker().drain()
  const moved: unknown[] = []
  for await (const event of otherBus.events.export()) moved.push(event)

  expect(moved).toMatchObject([{ type: 'orders.order-created' }])
  expect(indexed).toEqual(['o-1'])
})

test('the command lines are understood', async () => {
  const cli = resolve('src/cli/main.ts')
  for (const [command = '', ...words] of postbusCommands(DOCUMENT)) {
    const options = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/[[\]]/g, ''))
    const { stdout } = await promisify(execFile)('node', [cli, command, '--help'])
    for (const option of options) expect(stdout).toContain(`${option} `)
  }
})

async function load<Exports>(file: string): Promise<Exports> {
  return (await import(pathToFileURL(resolve(blocks.folder, file)).href)) as Exports
}

function app(): string {
  return `
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../../../src/index.ts'
export const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string() }), partitionKey: ({ orderId }) => orderId })
export const indexed: string[] = []
export const search = { index: async (orderId: string) => void indexed.push(orderId) }
const handler = defineHandler('search.index', { on: OrderCreated, handle: ({ data }) => search.index(data.orderId) })
export const bus = createBus({ connectionString: ${JSON.stringify(here.connectionString)}, handlers: [handler], onSignal: () => undefined })
export const otherBus = createBus({ connectionString: ${JSON.stringify(elsewhere.connectionString)}, onSignal: () => undefined })
export const close = () => Promise.all([bus.close(), otherBus.close()])
`
}
