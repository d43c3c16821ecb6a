/** The test that owns an event which a callback of a database connection publishes, when tests share the pool. */
import '../../src/testing/vitest.ts'
import { createServer, get as request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'pg'
import { afterAll, expect, inject, test } from 'vitest'
import {
  allowEventBus,
  assertEventPublished,
  publishedEvents,
  setEventBusMode,
  withTestBus,
} from '../../src/testing/index.ts'
import { bothAtOnce } from './both-at-once.ts'
import { listening } from './http.ts'
import { aBus, anOrder, OrderCreated } from './shop.ts'

const bus = aBus()
const pool = new Pool({ connectionString: inject('serverUrl'), max: 1 })
afterAll(() => pool.end())

/** Publishes in the callback of a query, at once or later. Returns the result or the error. */
function inCallback(orderId: string, wait: () => Promise<void> = async () => undefined): Promise<unknown> {
  return new Promise((resolve) => {
    pool.query('select 1', () => void afterwards().then(resolve))
  })

  async function afterwards(): Promise<unknown> {
    await wait()
    return bus.publish(anOrder({ orderId })).catch((error: unknown) => error)
  }
}

test('the only running test owns the event, even if another test opened the connection', async () => {
  const opener = await withTestBus(async (owner) => {
    await pool.query('select 1')
    return owner
  })
  setEventBusMode('strict')

  await inCallback('mine')

  assertEventPublished(OrderCreated, { orderId: 'mine' })
  expect(opener.recorded).toEqual([])
})

test.each([
  ['in the callback', undefined],
  ['after something that the callback awaits', () => new Promise<void>((resolve) => setTimeout(resolve, 1))],
])('no test owns the event when several run: publish refuses it, and records it nowhere: %s', async (_, wait) => {
  await bothAtOnce(async () => {
    const refusal = await inCallback('whose?', wait)

    expect(refusal).toMatchObject({
      code: 'POSTBUS_SEVERAL_TESTS',
      message: expect.stringContaining('allowEventBus(target)'),
    })
    expect(publishedEvents()).toEqual([])
  })
})

test('a test owns the event if it awaits a promise instead, or has bound the callback', async () => {
  await bothAtOnce(async () => {
    await pool.query('select 1')
    await bus.publish(anOrder({ orderId: 'awaited' }))
    await new Promise<void>((resolve) => {
      const published = allowEventBus(() => void bus.publish(anOrder({ orderId: 'bound' })).then(() => resolve()))
      pool.query('select 1', published)
    })

    expect(publishedEvents(OrderCreated).map(({ data }) => data.orderId)).toEqual(['awaited', 'bound'])
  })
})

test('requests over a connection belong to the test that made them', async () => {
  const shop = await listening(createServer((_, response) => response.end()))
  await bothAtOnce(async () => {
    await new Promise<void>((resolve) => {
      request({ port: (shop.address() as AddressInfo).port }, (response) => {
        response.on('data', () => undefined)
        response.on('end', () => void bus.publish(anOrder({ orderId: 'answered' })).then(() => resolve()))
      })
    })

    expect(publishedEvents()).toHaveLength(1)
  })
  shop.close()
})
