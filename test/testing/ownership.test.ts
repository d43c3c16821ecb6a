/** Whose event is it: what a test starts belongs to it, concurrent tests are apart, and other code has to be bound. */
import '../../src/testing/vitest.ts'
import { EventEmitter } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { connect, createServer as createNetServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
import { failureOf, rejectionOf } from './failure-of.ts'
import { outsideOfTests } from './outside-of-tests.ts'
import { aBus, anOrder, CartCleared, OrderCreated } from './shop.ts'

const bus = aBus()
const publishOrder = (orderId: string) => bus.publish(anOrder({ orderId }))

describe('what a test starts belongs to it', () => {
  test.each(['strict', 'mailbox'] as const)('promises, timers and emitters, nested too, in %s mode', async (mode) => {
    setEventBusMode(mode)
    const emitter = new EventEmitter()
    emitter.on('order', (id: string) => process.nextTick(() => void publishOrder(id)))

    void Promise.resolve().then(() => Promise.all([publishOrder('promise')]))
    setTimeout(() => setImmediate(() => void publishOrder('timer')), 1)
    queueMicrotask(() => emitter.emit('order', 'emitter'))

    for (const orderId of ['promise', 'timer', 'emitter']) {
      await assertEventPublished(OrderCreated, { orderId }, { withinMs: 10_000 })
    }
    assertNoPendingEvents()
  })

  test('a server that was started inside', async () => {
    const shop = await listening(createServer((_, response) => void publishOrder('served').then(() => response.end())))

    await get(shop)

    assertEventPublished(OrderCreated, { orderId: 'served' })
    shop.close()
  })
})

describe.concurrent('concurrent tests do not see each other’s events', () => {
  test.for(Array.from({ length: 20 }, (_, index) => `o${index}`))('%s', async (orderId, { expect: expectHere }) => {
    setEventBusMode('strict')
    await publishOrder(orderId)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
    await Promise.all([publishOrder(orderId), publishOrder(orderId)])

    for (const _ of [1, 2, 3]) assertEventPublished(OrderCreated, { orderId })
    expectHere(publishedEvents()).toHaveLength(3)
  })
})

describe('code outside of any test', () => {
  let shared: Server
  let published: Promise<unknown>

  beforeAll(async () => {
    shared = await listening(
      createServer((_, response) => void answer(() => publishOrder('shared')).then((text) => response.end(text))),
    )
    published = publishOrder('fixture')
    await published
  })
  afterAll(() => void shared.close())

  test('belongs to the only test that runs', async () => {
    setEventBusMode('strict')

    await get(shared)

    assertEventPublished(OrderCreated, { orderId: 'shared' })
  })

  test('belongs to no test when none runs: fixtures of a file are nobody’s noise', async () => {
    expect(publishedEvents()).toEqual([])
    await expect(published).resolves.toEqual({ events: [{ id: expect.any(String), deliveries: 2, duplicate: false }] })
  })

  test('is an error that names the mend when several tests run', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async () => {
      const rejection = await rejectionOf(outside.run(() => publishOrder('whose?')))

      expect(rejection.code).toBe('POSTBUS_SEVERAL_TESTS')
      expect(rejection.message).toMatch(/"left", "right"[\s\S]*allowEventBus\(target\)/)
    })
  })

  test('goes to the database all the same when every one of them is live', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async () => {
      const rejection = await rejectionOf(outside.run(() => publishOrder('live')))

      expect(rejection.message).toContain('connectionString')
    }, 'live')
  })
})

describe('allowEventBus binds to a test', () => {
  test('a function', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async () => {
      const bound = allowEventBus(publishOrder)

      await outside.run(() => bound('bound'))

      assertEventPublished(OrderCreated, { orderId: 'bound' })
    })
  })

  test('a function, for an owner that is named', async () => {
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

  test('an http server, with what its requests call back', async () => {
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

  test('nothing that another running test has bound', async () => {
    const emitter = new EventEmitter()
    await bothAtOnce(async (own, meet) => {
      if (own.name === 'left') allowEventBus(emitter)
      await meet()
      if (own.name === 'right') {
        expect(failureOf(() => allowEventBus(emitter))).toMatchObject({
          code: 'POSTBUS_SEVERAL_TESTS',
          message: expect.stringContaining('belongs to the test "left"'),
        })
      }
      await meet()
    })
  })

  test('neither what cannot be bound, nor to what is no test', async () => {
    const ended = await withTestBus(() => currentTestBus())

    expect(failureOf(() => allowEventBus({} as never)).code).toBe('POSTBUS_INVALID_OPTIONS')
    expect(failureOf(() => allowEventBus(bus, ended)).code).toBe('POSTBUS_TEST_ENDED')
    expect(failureOf(() => allowEventBus(bus, {} as never)).code).toBe('POSTBUS_TEST_ENDED')
  })
})

describe('what comes after its test has ended', () => {
  test('never belongs to another test, which is told about it when it fails', async () => {
    const late = await withTestBus(() => later(() => publishOrder('late')), { name: 'the one before' })

    await late()

    expect(publishedEvents()).toEqual([])
    expect(failureOf(() => assertEventPublished(OrderCreated)).message).toContain('code that "the one before" started')
  })

  test('is refused in strict mode, where it should have been asserted', async () => {
    const late = await withTestBus(() => later(() => publishOrder('late')), { name: 'the one before', mode: 'strict' })

    const rejection = await rejectionOf(late())

    expect(rejection).toMatchObject({
      code: 'POSTBUS_TEST_ENDED',
      message: expect.stringContaining('"the one before"'),
    })
    expect(publishedEvents()).toEqual([])
  })
})

/** Two tests at the same time, that can wait for each other. */
async function bothAtOnce(
  work: (own: TestBus, meet: () => Promise<void>) => Promise<unknown>,
  mode: 'mailbox' | 'live' = 'mailbox',
) {
  const meeting = meetingOf(2)
  await Promise.all(
    ['left', 'right'].map((name) =>
      withTestBus(
        async (own) => {
          await meeting()
          await work(own, meeting)
          await meeting()
        },
        { name, mode },
      ),
    ),
  )
}

/** Resolves when so many have come. */
function meetingOf(count: number): () => Promise<void> {
  let here: (() => void)[] = []
  return () =>
    new Promise((resolve) => {
      here.push(resolve)
      if (here.length < count) return
      for (const go of here) go()
      here = []
    })
}

/** Runs `work` on demand, in the context of the code that calls this. */
function later<Result>(work: () => Promise<Result>): () => Promise<Result> {
  const started = new EventEmitter()
  const done = Promise.withResolvers<Result>()
  const begun = new Promise<void>((resolve) => started.on('go', resolve))
  void begun.then(work).then(done.resolve, done.reject)
  return () => {
    started.emit('go')
    return done.promise
  }
}

async function outsideOfTestsStarted(index: number): Promise<Server> {
  const server = createServer((incoming, response) => {
    void publishOrder(`begin ${index}`)
    incoming
      .resume()
      .on('end', () => void answer(() => publishOrder(`end ${index}`)).then((text) => response.end(text)))
  })
  return outsideOfTests().run(() => listening(server))
}

async function answer(work: () => Promise<unknown>): Promise<string> {
  return work().then(
    () => 'done',
    (error: Error) => error.message,
  )
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, () => resolve(server)))
}

function get(server: Server): Promise<string> {
  const { port } = server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const sent = request({ port, method: 'POST' }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += String(chunk))).on('end', () => resolve(text))
    })
    sent.on('error', reject).end('body')
  })
}
