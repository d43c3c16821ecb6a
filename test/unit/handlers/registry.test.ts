import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Envelope } from '../../../src/events/envelope.ts'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler, type AnyHandler } from '../../../src/handlers/handler.ts'
import type { ListensTo } from '../../../src/handlers/listens-to.ts'
import { createRegistry, isFor, isInterested, versionsOf } from '../../../src/handlers/registry.ts'
import { refusalOf } from '../refusal.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.string() })
const OrderCreated2 = defineEvent('orders.order-created', { schema: z.string(), version: 2 })
const OrderShipped = defineEvent('orders.order-shipped', { schema: z.string() })

describe('the handlers of an event', () => {
  test('are the handlers that subscribe to it, in the order of registration', () => {
    const registry = createRegistry([
      handler('mail.receipt', OrderCreated),
      handler('stock.reserve', OrderShipped),
      handler('audit.log', 'orders.*'),
      handler('finances.invoice', [OrderShipped, OrderCreated]),
    ])

    const names = registry.handlersOf(OrderCreated('o1')).map(({ name }) => name)

    expect(names).toEqual(['mail.receipt', 'audit.log', 'finances.invoice'])
  })

  test('are none for an event type without subscriptions', () => {
    const registry = createRegistry([handler('stock.reserve', OrderShipped)])

    const handlers = registry.handlersOf(OrderCreated('o1'))

    expect(handlers).toEqual([])
  })

  test('are distinguished by version', () => {
    const registry = createRegistry([handler('mail.old', OrderCreated), handler('mail.new', OrderCreated2)])

    const names = [OrderCreated('o1'), OrderCreated2('o1'), OrderCreated('o2')].map((event) =>
      registry.handlersOf(event).map(({ name }) => name),
    )

    expect(names).toEqual([['mail.old'], ['mail.new'], ['mail.old']])
  })

  test('are listed once each, even if several subscriptions of a handler match', () => {
    const registry = createRegistry([handler('mail.receipt', [OrderCreated, OrderCreated])])

    const handlers = registry.handlersOf(OrderCreated('o1'))

    expect(handlers).toHaveLength(1)
  })
})

describe('a CommonJS module is accepted like any other', () => {
  const receipt = handler('mail.receipt', OrderCreated)
  const stock = [handler('stock.reserve', OrderShipped)]
  const exports = { receipt, stock }
  const itself: Record<string, unknown> = { receipt, stock }
  itself['default'] = itself

  test.each([
    ['imported by Node', { __esModule: true, default: exports, 'module.exports': exports, ...exports }],
    ['with names that Node did not find', { default: exports, 'module.exports': exports }],
    ['with a default export of its own', { default: { __esModule: true, default: [receipt, ...stock] } }],
    ['required', Object.defineProperty({ ...exports }, '__esModule', { value: true })],
    ['required as a namespace', { __esModule: true, ...exports, default: { ...exports } }],
    ['wrapped twice', { default: { __esModule: true, default: { __esModule: true, default: exports } } }],
    ['its own default export', itself],
    ['whose export is a list', { default: [receipt, ...stock], 'module.exports': [receipt, ...stock] }],
  ])('%s', (_, module) => {
    expect(createRegistry(module).handlers.map(({ name }) => name)).toEqual(['mail.receipt', 'stock.reserve'])
  })

  test('refuses anything else among its exports, by its name', () => {
    const module = { __esModule: true, default: { ...exports, limit: 3 }, ...exports }

    expect(refusalOf(() => createRegistry(module)).message).toContain('The export "limit" of the handlers module')
  })
})

describe('a registry', () => {
  test('accepts a module: every export that is a handler or a list of handlers', () => {
    const module = { receipt: handler('mail.receipt', OrderCreated), stock: [handler('stock.reserve', OrderShipped)] }

    const registry = createRegistry(module)

    expect(registry.handlers.map(({ name }) => name)).toEqual(['mail.receipt', 'stock.reserve'])
  })

  test('counts a handler that is exported twice as one', () => {
    const receipt = handler('mail.receipt', OrderCreated)

    const registry = createRegistry({ receipt, all: [receipt] })

    expect(registry.handlers).toEqual([receipt])
  })

  test('finds a handler by its name', () => {
    const receipt = handler('mail.receipt', OrderCreated)
    const registry = createRegistry([receipt])

    const found = ['mail.receipt', 'mail.receipts', 'constructor'].map((name) => registry.handlerNamed(name))

    expect(found).toEqual([receipt, undefined, undefined])
  })

  test('finds the versions of an event type that handlers list, by name', () => {
    const registry = createRegistry([handler('mail.old', [OrderCreated, OrderCreated2]), handler('audit.log', '*')])

    const versions = [OrderCreated.type, OrderShipped.type].map((type) => registry.versionsHandled(type))

    expect(versions).toEqual([[1, 2], []])
  })

  test('has two queues for every queue in use, and always the default ones', () => {
    const slow = defineHandler('mail.receipt', { on: OrderCreated, queue: 'slow', handle() {} })

    const queues = [createRegistry([]).queues, createRegistry([slow, slow]).queues]

    expect(queues).toEqual([
      ['events', 'events_partitioned'],
      ['events', 'events_partitioned', 'slow', 'slow_partitioned'],
    ])
  })

  test('refuses two handlers with one name, and says where both are', () => {
    const one = defineHandler('mail.receipt', { on: OrderCreated, handle() {} })
    const other = defineHandler('mail.receipt', { on: OrderShipped, handle() {} })

    const error = refusalOf(() => createRegistry([one, other]))

    expect(error.code).toBe('POSTBUS_DUPLICATE_HANDLER')
    expect(error.message).toContain('Two handlers are named "mail.receipt"')
    const places = error.message.split('\n').slice(1)
    expect(places).toEqual([`  ${one.definedAt}`, `  ${other.definedAt}`])
    expect(one.definedAt).not.toBe(other.definedAt)
    expect(places.every((place) => /registry\.test\.ts:\d+:\d+/.test(place))).toBe(true)
  })

  test.each([
    ['an array', [handler('mail.receipt', OrderCreated), OrderCreated], '`handlers[1]` is function'],
    ['a module', { OrderCreated }, 'The export "OrderCreated" of the handlers module is function'],
    [
      'a list in a module',
      { all: [handler('mail.receipt', OrderCreated), null] },
      'The export "all" of the handlers module is object',
    ],
    ['null in a module', { nothing: null }, 'The export "nothing" of the handlers module is null'],
    ['null', null, '`handlers` is null'],
    ['text', 'handlers', '`handlers` is string'],
  ])('refuses a value that is not a handler: in %s', (_, set, says) => {
    const error = refusalOf(() => createRegistry(set as never))

    expect(error.code).toBe('POSTBUS_INVALID_HANDLER')
    expect(error.message).toContain(`${says}, not a handler`)
  })
})

describe('a handler', () => {
  test('is for the events that it subscribes to, and knows the versions that it lists', () => {
    const receipt = handler('mail.receipt', [OrderShipped, OrderCreated, OrderCreated2])

    const fits = [1, 2, 3].map((version) => isFor(receipt, { type: 'orders.order-created', version }))

    expect(fits).toEqual([true, true, false])
    expect(versionsOf(receipt, 'orders.order-created')).toEqual([1, 2])
  })

  test('lists no versions by a pattern', () => {
    const versions = versionsOf(handler('audit.log', 'orders.*'), 'orders.order-created')

    expect(versions).toEqual([])
  })
})

describe('the interest of a handler', () => {
  test('is true by default', () => {
    const interested = isInterested(handler('mail.receipt', OrderCreated), OrderCreated('o1'))

    expect(interested).toBe(true)
  })

  test('is the return value of `interested`', () => {
    const choosy = interestedHandler((event) => event.data === 'o1')

    const answers = [isInterested(choosy, OrderCreated('o1')), isInterested(choosy, OrderCreated('o2'))]

    expect(answers).toEqual([true, false])
  })

  test.each([undefined, null, 1, 'yes'])('cannot be %j: an unclear value would lose an event', (answer) => {
    const unclear = interestedHandler(() => answer as never)

    const error = refusalOf(() => isInterested(unclear, OrderCreated('o1')))

    expect(error.code).toBe('POSTBUS_INTERESTED_FAILED')
    expect(error.message).toMatch(
      /of handler "mail\.receipt" for orders\.order-created returned .* Return true or false/,
    )
  })

  test('cannot be a promise', async () => {
    const late = interestedHandler((() => Promise.reject(new Error('late'))) as never)

    const error = refusalOf(() => isInterested(late, OrderCreated('o1')))
    await new Promise(setImmediate) // an unhandled rejection would fail the run

    expect(error.message).toContain('a promise; it runs inside publish and must be synchronous')
  })

  test('stops the publishing when `interested` throws', () => {
    const cause = new TypeError('of null')
    const broken = interestedHandler(() => {
      throw cause
    })

    const error = refusalOf(() => isInterested(broken, OrderCreated('o1')))

    expect(error.message).toContain('threw. The event was not published.')
    expect(error.cause).toBe(cause)
  })
})

function handler(name: string, on: ListensTo): AnyHandler {
  return defineHandler(name, { on, handle() {} })
}

function interestedHandler(interested: (event: Envelope) => boolean): AnyHandler {
  return defineHandler('mail.receipt', { on: OrderCreated, interested, handle() {} })
}
