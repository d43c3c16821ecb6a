/** `allowEventBus` binds code to a test when the async context does not lead from one to the other. */
import '../../src/testing/vitest.ts'
import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, createServer as createNetServer, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  allowEventBus,
  assertEventPublished,
  assertNoPendingEvents,
  currentTestBus,
  publishedEvents,
  refuteEventPublished,
  setEventBusMode,
  withTestBus,
  type TestBus,
} from '../../src/testing/index.ts'
import { bothAtOnce } from './both-at-once.ts'
import { failureOf } from './failure-of.ts'
import { answer, get, listening } from './http.ts'
import { outsideOfTests } from './outside-of-tests.ts'
import { aBus, anOrder, CartCleared, OrderCreated } from './shop.ts'

const bus = aBus()
const publishOrder = (orderId: string) => bus.publish(anOrder({ orderId }))

describe('allowEventBus binds to a test', () => {
  test('a function', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async () => {
      const bound = allowEventBus(publishOrder)

      await outside.run(() => bound('bound'))

      assertEventPublished(OrderCreated, { orderId: 'bound' })
    })
  })

  test('a function, to the named owner', async () => {
    const owners: TestBus[] = []

    await bothAtOnce(async (own, meet) => {
      owners.push(currentTestBus())
      await meet()
      const other = owners.find((owner) => owner !== own)
      await allowEventBus(() => publishOrder(own.name), other)()
      await meet()

      refuteEventPublished(OrderCreated, { orderId: own.name })
      assertEventPublished(OrderCreated)
    })
  })

  test('an emitter', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async (own) => {
      const emitter = new EventEmitter()
      let published: Promise<unknown> | undefined
      emitter.on('order', () => void (published = publishOrder(own.name)))
      allowEventBus(emitter)

      outside.run(() => emitter.emit('order'))

      await published
      expect(publishedEvents(OrderCreated).map(({ data }) => data.orderId)).toEqual([own.name])
    })
  })

  test('an http server, with the callbacks of its requests', async () => {
    const servers = await Promise.all([0, 1].map((index) => outsideOfTestsStarted(index)))
    await bothAtOnce(async (own) => {
      const server = servers[own.name === 'left' ? 0 : 1] as Server
      allowEventBus(server)
      setEventBusMode('strict')

      expect(await get(server)).toBe('done')
      expect(await get(server)).toBe('done')

      const index = servers.indexOf(server)
      for (const orderId of [`begin ${index}`, `end ${index}`]) {
        assertEventPublished(OrderCreated, { orderId })
        assertEventPublished(OrderCreated, { orderId })
      }
      assertNoPendingEvents()
    })
    for (const server of servers) server.close()
  })

  test('a net server, with its sockets', async () => {
    const server = createNetServer((socket) => {
      socket.on('data', (text) => void publishOrder(String(text)).then(() => socket.end()))
    })
    await new Promise<void>((resolve) => outsideOfTests().run(() => server.listen(0, resolve)))
    await bothAtOnce(async (own, meet) => {
      if (own.name === 'left') allowEventBus(server)
      await meet()
      if (own.name === 'right') return
      const socket = connect((server.address() as AddressInfo).port)
      socket.write('o7')
      await new Promise((resolve) => socket.on('close', resolve).resume())

      assertEventPublished(OrderCreated, { orderId: 'o7' })
    })
    server.close()
  })

  test('a bus', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async (own) => {
      const bound = allowEventBus(aBus())

      await outside.run(() => bound.publish(CartCleared({ cartId: own.name })))

      expect(publishedEvents(CartCleared).map(({ data }) => data.cartId)).toEqual([own.name])
    })
  })

  test('only until the test ends', async () => {
    const emitter = new EventEmitter()
    emitter.on('order', () => void publishOrder('after'))
    await withTestBus(() => allowEventBus(emitter))

    emitter.emit('order')

    assertEventPublished(OrderCreated, { orderId: 'after' })
  })

  test('no target that another running test has bound', async () => {
    const emitter = new EventEmitter()
    const refusals: unknown[] = []

    await bothAtOnce(async (own, meet) => {
      if (own.name === 'left') allowEventBus(emitter)
      await meet()
      if (own.name === 'right') refusals.push(failureOf(() => allowEventBus(emitter)))
      await meet()
    })

    const message = expect.stringContaining('belongs to the test "left"')
    expect(refusals).toMatchObject([{ code: 'POSTBUS_SEVERAL_TESTS', message }])
  })

  test('no other kind of target, and nothing to an ended or unknown test', async () => {
    const ended = await withTestBus(() => currentTestBus())

    expect(failureOf(() => allowEventBus({} as never)).code).toBe('POSTBUS_INVALID_OPTIONS')
    expect(failureOf(() => allowEventBus(bus, ended)).code).toBe('POSTBUS_TEST_ENDED')
    expect(failureOf(() => allowEventBus(bus, {} as never)).code).toBe('POSTBUS_TEST_ENDED')
  })
})

async function outsideOfTestsStarted(index: number): Promise<Server> {
  const server = createServer((incoming, response) => {
    void publishOrder(`begin ${index}`)
    incoming
      .resume()
      .on('end', () => void answer(() => publishOrder(`end ${index}`)).then((text) => response.end(text)))
  })
  return outsideOfTests().run(() => listening(server))
}
