/** The example application on Nest, driven over HTTP: from a request to its handlers, and to the end of the application. */
import 'reflect-metadata'
import type { INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppModule } from '../../../examples/nest/app.module.ts'
import { createTables, Database } from '../../../examples/nest/database.ts'
import type { Bus } from '../../../src/index.ts'
import { POSTBUS } from '../../../src/nest/index.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { until } from '../../support/until.ts'

let opened: TestBus
let app: INestApplication
let url: string

beforeAll(async () => {
  opened = await openTestBus()
  const { connectionString } = opened
  const shop = AppModule.with({ connectionString, worker: true, onSignal: () => undefined })
  app = await NestFactory.create(shop, { logger: false })
  await createTables(app.get(Database))
  await app.get(Database).insertInto('shop.stock').values({ sku: 'tea', remaining: 10 }).execute()
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
})

afterAll(() => opened.close())

test('an order that comes by HTTP goes from module to module, and the modules know only events of each other', async () => {
  const headers = { 'content-type': 'application/json', 'x-request-id': 'request 1' }
  const body = JSON.stringify({ orderId: 'o-1', sku: 'tea', count: 2 })

  const posted = await fetch(`${url}/orders`, { method: 'POST', headers, body })
  const { eventId } = (await posted.json()) as { eventId: string }
  const read = async () => (await (await fetch(`${url}/orders/o-1`)).json()) as { letter: string | null }
  await until('the letter is written', async () => (await read()).letter !== null)

  expect(posted.status).toBe(201)
  expect(await read()).toEqual({ id: 'o-1', sku: 'tea', count: 2, letter: 'Order o-1 is reserved, 8 of tea are left.' })
  const tree = await app.get<Bus>(POSTBUS).events.tree(eventId)
  expect(tree?.caused.map(({ event }) => event.type)).toEqual(['stock.stock-reserved'])
  expect(tree?.event).toMatchObject({ source: 'shop', correlationId: 'request 1' })
})

test('an order that cannot be stored leaves no event', async () => {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ orderId: 'o-2', sku: 'tea', count: 0 }) // the event type requires at least one

  const posted = await fetch(`${url}/orders`, { method: 'POST', headers, body })

  expect(posted.status).toBe(500)
  expect((await fetch(`${url}/orders/o-2`)).status).toBe(404)
})

test('when the application ends, its worker finishes the running work, and the bus is closed', async () => {
  const bus = app.get<Bus>(POSTBUS)
  await app.close()

  await expect(bus.migrate()).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  const { rows } = await opened.database.query(`select from pgboss.job where state = 'active'`)
  expect(rows).toEqual([])
})
