/** The blocks of docs/batches.md run as they are, and its table matches the options. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createBus, type AnyHandler, type Bus, type Envelope, type Worker } from '../../src/index.ts'
import { runEvents, setEventBusMode } from '../../src/testing/index.ts'
import { createDatabase } from '../support/database.ts'
import { withOptionTables } from '../support/options-table.ts'
import { writeReadmeBlocks } from '../support/readme-blocks.ts'
import '../../src/testing/vitest.ts'

const DOCUMENT = 'docs/batches.md'
const SOURCES = '../../../src/index.ts'

const blocks = writeReadmeBlocks('batches', '', DOCUMENT)
afterAll(() => blocks.remove())
put(
  'events.ts',
  `import { z } from 'zod'
  import { defineEvent } from '${SOURCES}'
  export const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string(), total: z.number() }) })
  export const InvoiceSent = defineEvent('finances.invoice-sent', { schema: z.object({ orderId: z.string() }) })`,
)
put(
  'warehouse.ts',
  `export const rows = []; export const warehouse = { upsert: async (more) => void rows.push(...more) }`,
)

await load('store-orders.test.ts') // registers the test of the page in this file

test('the blocks run: a worker stores orders in batches, and published events have the named cause', async () => {
  setEventBusMode('live')
  const { connectionString, drop } = await createDatabase()
  onTestFinished(() => drop())
  put(
    'bus.ts',
    `import { createBus } from '${SOURCES}'
    import { storeOrders } from './event-handlers.ts'
    export const bus = createBus({ connectionString: '${connectionString}', handlers: [storeOrders], onSignal: () => undefined })`,
  )
  const { bus } = await load<{ bus: Bus }>('bus.ts')
  onTestFinished(() => bus.close())
  await bus.migrate()
  const { OrderCreated } = await load<{ OrderCreated: (data: object) => Envelope }>('events.ts')
  const { events } = await bus.publish([1, 2, 3].map((n) => OrderCreated({ orderId: `o-${n}`, total: n })))

  const { worker } = await load<{ worker: Worker }>('worker.ts')
  await worker.drain()

  const { rows } = await load<{ rows: readonly { id: string }[] }>('warehouse.ts')
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining([...(await deliveryIds(bus, events))]))
  setEventBusMode('mailbox')
  const { sendInvoices } = await load<{ sendInvoices: AnyHandler }>('invoices.ts')
  const sent = await runEvents(sendInvoices as never, [OrderCreated({ orderId: 'o-4', total: 4 })] as never)
  expect(sent).toMatchObject([{ state: 'processed' }])
})

test('a batch is one commit, without discarded events', async () => {
  put('database.ts', `export const insertAll = async (tx, rows) => void tx.push(...rows)`)
  const { keepLedger } = await load<{ keepLedger: AnyHandler }>('ledger.ts')
  const { OrderCreated } = await load<{ OrderCreated: (data: object) => Envelope }>('events.ts')
  const orders = [1, -1].map((total) => OrderCreated({ orderId: `o-${total}`, total }))
  const committed: object[] = []
  const bus = createBus({
    backend: 'inline',
    handlers: [keepLedger],
    onSignal: () => undefined,
    transaction: async (work) => {
      const tx: object[] = []
      await work(tx as never)
      committed.push(...tx)
    },
  })

  await bus.publish(orders)

  expect(committed).toContainEqual({ orderId: 'o-1', total: 1 })
})

test('the table of options matches the options; print it with: npm run docs:tables', async () => {
  const page = readFileSync(DOCUMENT, 'utf8')

  expect(page).toBe(await format(withOptionTables(page), { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' }))
})

async function deliveryIds(bus: Bus, events: readonly { id: string }[]): Promise<readonly string[]> {
  const statuses = await Promise.all(events.map(({ id }) => bus.events.status(id)))
  return statuses.map((status) => status!.deliveries[0]!.deliveryId)
}

function put(file: string, code: string): void {
  writeFileSync(join(blocks.folder, file), code)
}

async function load<Exports>(file: string): Promise<Exports> {
  return (await import(pathToFileURL(resolve(blocks.folder, file)).href)) as Exports
}
