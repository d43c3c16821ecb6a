/** A bus knows its event types: the types that it is given, and the types that its handlers list. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { defineHandler } from '../../../src/handlers/handler.ts'
import { lazyRegistry } from '../../../src/handlers/lazy-registry.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { createBus } from '../../../src/index.ts'
import { refusalOf, rejectionOf } from '../refusal.ts'

const Created = defineEvent('orders.order-created', { schema: z.string() })
const Created2 = defineEvent('orders.order-created', { schema: z.string(), version: 2 })
const Shipped = defineEvent('orders.order-shipped', { schema: z.string() })
const audit = defineHandler('audit.log', { on: 'orders.*', handle() {} })
const receipt = defineHandler('mail.receipt', { on: [Created, Created2], handle() {} })

describe('the event types of a bus', () => {
  test('are the given types and the types that handlers list, each once; a pattern lists none', () => {
    const registry = createRegistry([audit, receipt], [Shipped, Created])

    expect(registry.eventTypes).toEqual([Shipped, Created, Created2])
  })

  test('can be given as a module that exports event types or lists of them', () => {
    const registry = createRegistry([], { Shipped, versions: [Created, Created2] })

    expect(registry.eventTypes).toEqual([Shipped, Created, Created2])
  })

  test('can be imported when they are first needed', async () => {
    const lazy = lazyRegistry([audit], async () => ({ Shipped }))

    expect(lazy.loaded()).toBeNull()
    expect((await lazy.load()).eventTypes).toEqual([Shipped])
    expect(lazy.loaded()?.handlers).toEqual([audit])
  })
})

describe('one type and version, defined in two places,', () => {
  const another = defineEvent('orders.order-created', { schema: z.number() })

  test.each([
    ['in the event types', [], [Created, another]],
    ['in an event type and a handler', [receipt], [another]],
    ['in two handlers', [receipt, defineHandler('mail.other', { on: another, handle() {} })], []],
  ] as const)('%s is refused, with both places', (_, handlers, events) => {
    const error = refusalOf(() => createRegistry(handlers, events))

    expect(error.code).toBe('POSTBUS_DUPLICATE_EVENT_TYPE')
    expect(error.message).toContain('orders.order-created version 1 is defined twice')
    expect(error.message.match(/event-types\.test\.ts:\d+/g)).toHaveLength(2)
  })

  test('is accepted when a module was loaded twice', () => {
    const load = () => defineEvent('stock.moved', { schema: z.string() })
    const [first, second] = [load(), load()]

    const registry = createRegistry([], [first, second])

    expect(registry.eventTypes).toEqual([first])
  })
})

describe('a value that is not an event type', () => {
  test.each([
    [{ schema: z.string() }, 'The export "schema" of the events module is object'],
    [[Created, 'orders.order-shipped'], '`events[1]` is string'],
    [{ audit }, 'The export "audit" of the events module is object'],
  ])('is refused by its name or position', (events, says) => {
    const error = refusalOf(() => createBus({ events } as never))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toContain(says)
  })

  test('is refused when it was imported, and the import is tried again', async () => {
    const error = await rejectionOf(lazyRegistry([], () => ({ Shipped: 'orders.order-shipped' })).load())

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
  })

  test('is refused as an option that is neither a list nor a function', () => {
    expect(refusalOf(() => createBus({ events: 7 } as never)).code).toBe('POSTBUS_INVALID_OPTIONS')
  })
})
