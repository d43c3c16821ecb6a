/** `examples/next` as users have it: Postbus as a package, a route handler and a server action that publish, and a worker elsewhere. */
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { folderWithPackage, startNext, type RunningNext } from '../support/next-application.ts'
import { until } from '../support/until.ts'

let shop: TestBus
let next: RunningNext
let url: string

beforeAll(async () => {
  shop = await openTestBus()
  await shop.database.query('create table orders (id text primary key, sku text not null)')
  next = await startNext(await theExample(), shop.connectionString)
  url = next.url
}, 300_000)

afterAll(async () => {
  await next.stop()
  await shop.close()
}, 30_000)

test('a route handler replies after the order and its event are committed, and runs `after` later', async () => {
  const post = (order: object) =>
    fetch(`${url}/api/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'request 1' },
      body: JSON.stringify(order),
    })

  const [created, refused] = [await post({ orderId: 'o-1', sku: 'tea' }), await post({ orderId: 'o-2' })]
  const again = await post({ orderId: 'o-1', sku: 'tea' })

  expect([created.status, refused.status, again.status], next.said()).toEqual([201, 400, 500])
  const { events } = await shop.bus.events.list()
  expect(events).toMatchObject([{ type: 'orders.order-created', correlationId: 'request 1', data: { orderId: 'o-1' } }])
  await until('`after` has run', () => next.said().includes('replied: o-1'))
}, 180_000)

test('a server action takes an order from its form, as a browser without JavaScript sends it', async () => {
  const page = await (await fetch(`${url}/orders`)).text()
  const hidden = [...page.matchAll(/<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?/g)]
  const form = new FormData()
  for (const [, name = '', value = ''] of hidden) form.set(name, value.replaceAll('&quot;', '"'))
  form.set('orderId', 'o-3')
  form.set('sku', 'salt')
  const posted = await fetch(`${url}/orders`, { method: 'POST', body: form, headers: { origin: url } })

  expect(posted.status, next.said()).toBe(200)
  const { events } = await shop.bus.events.list({ text: 'o-3' })
  expect(events).toMatchObject([{ data: { orderId: 'o-3', sku: 'salt' } }])
}, 180_000)

async function theExample(): Promise<string> {
  const folder = await folderWithPackage()
  await cp('examples/next', folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  return folder
}
