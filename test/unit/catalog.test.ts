/** The catalog of a bus: an AsyncAPI document that its official schema accepts, and a drawing of the modules. */
import { schemasWithoutId } from '@asyncapi/specs'
import { Ajv } from 'ajv'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, shadow, type Bus } from '../../src/index.ts'
import { asyncApiOf, type AsyncApiDocument } from '../../src/catalog/async-api.ts'
import { catalogOf } from '../../src/catalog/catalog.ts'
import { moduleMap } from '../../src/catalog/module-map.ts'

interface Category {
  name: string
  within: Category[]
}
const Category: z.ZodType<Category> = z.object({ name: z.string(), within: z.array(z.lazy(() => Category)) })
const item = z.object({ sku: z.string().describe('What the warehouse calls it'), count: z.int().min(1) })

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), placedAt: z.date(), cents: z.bigint(), items: z.array(item) }),
  version: 2,
  upcasts: { 1: (v1) => v1 as never },
  previousNames: ['shop.order-made'],
  finishedEvent: () => OrderHandled({}),
})
const OrderCreatedV1 = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string() }),
  previousNames: ['shop.order-made'],
})
const OrderHandled = defineEvent('orders.order-handled', { schema: z.object({}) })
const CategoryMoved = defineEvent('catalog.category-moved', { schema: Category })
const LineParsed = defineEvent('imports.line-parsed', {
  schema: { '~standard': { version: 1, vendor: 'ours', validate: (value: unknown) => ({ value }) } },
})
const nothing = () => undefined

const handlers = [
  defineHandler('stock.reserve', { on: OrderCreated, handle: nothing }),
  defineHandler('stock.remember', { on: shadow([OrderCreatedV1, OrderHandled]), handle: nothing }),
  defineHandler('search.index', { on: ['catalog.*', 'orders.*'], delivery: 'log', handle: nothing }),
  defineHandler('limits.check', { on: OrderCreated, runs: 'in-transaction', handle: nothing }),
]

let bus: Bus
let document: AsyncApiDocument

beforeAll(async () => {
  bus = createBus({
    connectionString: 'postgres://not.used/at_all',
    handlers,
    events: [CategoryMoved, LineParsed, OrderCreatedV1],
    transaction: nothing as never,
  })
  // Parses the printed document, as a program would.
  const printed = JSON.stringify(asyncApiOf(await catalogOf(bus), { title: 'Shop', version: '1.0.0' }))
  document = JSON.parse(printed) as AsyncApiDocument
  return () => bus.close()
})

test('the official schema of AsyncAPI 3.1.0 accepts the document', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  const isValid = ajv.validate(schemasWithoutId['3.1.0'] as object, document)

  expect(ajv.errors ?? []).toEqual([])
  expect(isValid).toBe(true)
})

test('each reference resolves, also inside a recursive schema', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"(#[^"]*)"/g)].map(([, pointer]) => pointer!)
  const found = (pointer: string) =>
    pointer
      .split('/')
      .slice(1)
      .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document)

  expect(references.length).toBeGreaterThan(10)
  expect(references.filter((pointer) => found(pointer) === undefined)).toEqual([])
})

test('a message describes the data as JSON: with descriptions, and times as text', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema(document, 'document')
  const checks = (message: string) => ajv.compile({ $ref: `document#/components/messages/${message}/payload/schema` })
  const order = { orderId: 'o-1', placedAt: '2026-11-29T12:00:00Z', cents: '12', items: [{ sku: 's', count: 1 }] }

  expect(checks('orders.order-created.v2')(order)).toBe(true)
  expect(checks('orders.order-created.v2')({ ...order, placedAt: 12 })).toBe(false)
  expect(checks('catalog.category-moved.v1')({ name: 'tea', within: [{ name: 'green', within: [] }] })).toBe(true)
  expect(checks('catalog.category-moved.v1')({ name: 'tea', within: [{ name: 'green' }] })).toBe(false)
  expect(JSON.stringify(document)).toContain('What the warehouse calls it')
})

test('a schema that cannot be described allows anything', () => {
  expect(document.components['messages']).toHaveProperty(['imports.line-parsed.v1', 'payload'], {})
})

test('the document lists publishers and handlers, by versions and patterns, and no finishers', () => {
  const operations = Object.entries(document.operations) as [string, { action: string; messages: { $ref: string }[] }][]

  expect(
    operations.map(([name, { action, messages }]) => [
      name,
      action,
      messages.map(({ $ref }) => $ref.split('/').at(-1)),
    ]),
  ).toEqual([
    ['catalog.category-moved.publish', 'send', ['v1']],
    ['catalog.category-moved.search.index', 'receive', ['v1']],
    ['imports.line-parsed.publish', 'send', ['v1']],
    ['orders.order-created.publish', 'send', ['v1', 'v2']],
    ['orders.order-created.stock.reserve', 'receive', ['v1', 'v2']],
    ['orders.order-created.stock.remember', 'receive', ['v1']],
    ['orders.order-created.search.index', 'receive', ['v1', 'v2']],
    ['orders.order-created.limits.check', 'receive', ['v1', 'v2']],
    ['orders.order-handled.publish', 'send', ['v1']],
    ['orders.order-handled.stock.remember', 'receive', ['v1']],
    ['orders.order-handled.search.index', 'receive', ['v1']],
  ])
})

test('the drawing has an arrow between modules for each way in which events travel', async () => {
  expect(moduleMap(await catalogOf(bus))).toBe(`flowchart LR
  m0["catalog"]
  m1["imports"]
  m2["limits"]
  m3["orders"]
  m4["search"]
  m5["stock"]
  m0 ==>|"category-moved"| m4
  m3 -->|"order-created<br>order-handled"| m5
  m3 ==>|"order-created<br>order-handled"| m4
  m3 -.->|"order-created"| m2
`)
})
