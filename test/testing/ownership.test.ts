/** The test that owns an event: a test owns the events of code that it starts, concurrent tests are separate, and other code must be bound. */
import '../../src/testing/vitest.ts'
import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  assertEventPublished,
  assertNoPendingEvents,
  publishedEvents,
  setEventBusMode,
  withTestBus,
} from '../../src/testing/index.ts'
import { bothAtOnce } from './both-at-once.ts'
import { failureOf, rejectionOf } from './failure-of.ts'
import { answer, get, listening } from './http.ts'
import { outsideOfTests } from './outside-of-tests.ts'
import { aBus, anOrder, OrderCreated } from './shop.ts'

const bus = aBus()
const publishOrder = (orderId: string) => bus.publish(anOrder({ orderId }))

describe('a test owns the events of', () => {
  test.each(['strict', 'mailbox'] as const)(
    'promises, timers and emitters, also nested ones, in %s mode',
    async (mode) => {
      setEventBusMode(mode)
      const emitter = new EventEmitter()
      emitter.on('order', (id: string) => process.nextTick(() => void publishOrder(id)))

      void Promise.resolve().then(() => publishOrder('promise'))
      setTimeout(() => setImmediate(() => void publishOrder('timer')), 1)
      queueMicrotask(() => emitter.emit('order', 'emitter'))

      for (const orderId of ['promise', 'timer', 'emitter']) {
        await assertEventPublished(OrderCreated, { orderId }, { withinMs: 10_000 })
      }
      assertNoPendingEvents()
    },
  )

  test('a server that it started', async () => {
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

  test('belongs to the only running test', async () => {
    setEventBusMode('strict')

    await get(shared)

    assertEventPublished(OrderCreated, { orderId: 'shared' })
  })

  test('belongs to no test when none runs: events of fixtures are not recorded', async () => {
    expect(publishedEvents()).toEqual([])
    await expect(published).resolves.toEqual({ events: [{ id: expect.any(String), deliveries: 2, duplicate: false }] })
  })

  test('is an error that names allowEventBus when several tests run', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async () => {
      const rejection = await rejectionOf(outside.run(() => publishOrder('whose?')))

      expect(rejection.code).toBe('POSTBUS_SEVERAL_TESTS')
      expect(rejection.message).toMatch(/"left", "right"[\s\S]*allowEventBus\(target\)/)
    })
  })

  test('goes to the database when all running tests are live', async () => {
    const outside = outsideOfTests()
    await bothAtOnce(async () => {
      const rejection = await rejectionOf(outside.run(() => publishOrder('live')))

      expect(rejection.message).toContain('connectionString')
    }, 'live')
  })
})

describe('an event that is published after its test has ended', () => {
  test('never belongs to another test, and the failure of that test mentions it', async () => {
    const late = await withTestBus(() => later(() => publishOrder('late')), { name: 'the one before' })

    await late()

    expect(publishedEvents()).toEqual([])
    expect(failureOf(() => assertEventPublished(OrderCreated)).message).toContain('code that "the one before" started')
  })

  test('is refused in strict mode, where it would have to be asserted', async () => {
    const late = await withTestBus(() => later(() => publishOrder('late')), { name: 'the one before', mode: 'strict' })

    const rejection = await rejectionOf(late())

    expect(rejection).toMatchObject({
      code: 'POSTBUS_TEST_ENDED',
      message: expect.stringContaining('"the one before"'),
    })
    expect(publishedEvents()).toEqual([])
  })
})

/** Returns a function that runs `work` later, in the async context of this call. */
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
