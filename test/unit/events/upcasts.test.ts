/** The valid `upcasts` and `previousNames`. All others are refused where they are defined. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, upcast } from '../../../src/index.ts'
import { createRegistry } from '../../../src/handlers/registry.ts'
import { refusalOf } from '../refusal.ts'

const schema = z.object({ orderId: z.string() })
const V1 = defineEvent('orders.order-created', { schema })
const Shipped = defineEvent('orders.order-shipped', { schema })

describe('upcasts that could never run are refused', () => {
  test.each([
    ['from its own version', { 2: (data: unknown) => data }, 'an upcast from "2": expected versions from 1 to 1'],
    ['from no version', { first: (data: unknown) => data }, 'an upcast from "first"'],
    ['no function', { 1: {} }, 'its upcast from version 1 is not a function'],
    ['no object', 7, '`upcasts` is no object'],
    ['of another event type', { 1: upcast(Shipped, (data) => data) }, 'was given orders.order-shipped version 1'],
    [
      'of another version',
      { 1: upcast(defineEvent('orders.order-created', { schema, version: 3 }), (data) => data) },
      'was given orders.order-created version 3',
    ],
  ])('%s', (_, upcasts, problem) => {
    const error = refusalOf(() => defineEvent('orders.order-created', { schema, version: 2, upcasts } as never))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toContain(problem)
  })

  test('an upcast without an event type', () => {
    expect(refusalOf(() => upcast({} as never, () => 1)).code).toBe('POSTBUS_INVALID_EVENT')
  })

  test('an upcast of a previous name is accepted', () => {
    const renamed = { schema, version: 2, previousNames: ['orders.order-created'] } as const

    const kind = defineEvent('sales.order-placed', { ...renamed, upcasts: { 1: upcast(V1, (data) => data) } })

    expect(kind.previousNames).toEqual(['orders.order-created'])
  })
})

describe('previous names', () => {
  const event = (previousNames: unknown) => () => defineEvent('sales.placed', { schema, previousNames } as never)
  const handler = (previousNames: unknown) => () =>
    defineHandler('mail.receipt', { on: V1, handle: () => undefined, previousNames } as never)

  test.each([
    ['no list', 'mail.old', 'expected `previousNames` to be a list'],
    ['no name', ['Mail'], '"Mail" is not allowed'],
    ['one twice', ['mail.old', 'mail.old'], '"mail.old" stands in `previousNames` twice'],
  ])('%s is refused', (_, given, problem) => {
    const errors = [event(given), handler(given)].map(refusalOf)

    expect(errors.map(({ code }) => code)).toEqual(['POSTBUS_INVALID_EVENT', 'POSTBUS_INVALID_HANDLER'])
    for (const { message } of errors) expect(message).toContain(problem)
  })

  test('the type’s or handler’s own name is refused', () => {
    const errors = [event(['sales.placed']), handler(['mail.receipt'])].map(refusalOf)

    for (const { message } of errors) expect(message).toContain('its own name stands in `previousNames`')
  })

  test('a name that another handler has, or had, is refused with both places', () => {
    const named = (name: string, ...previousNames: string[]) =>
      defineHandler(name, { on: V1, handle: () => undefined, previousNames })
    const errors = [
      refusalOf(() => createRegistry([named('mail.receipt', 'mail.old'), named('mail.old')])),
      refusalOf(() => createRegistry([named('mail.receipt', 'mail.old'), named('mail.bill', 'mail.old')])),
    ]

    for (const { code, message } of errors) {
      expect(code).toBe('POSTBUS_NAME_CONFLICT')
      expect(message).toMatch(/"mail\.old" is a name of two handlers.*\n.*upcasts\.test\.ts.*\n.*upcasts\.test\.ts/)
    }
  })

  test('a name that another event type has is refused, and so are versions that do not fit together', () => {
    const Placed = defineEvent('sales.placed', { schema, previousNames: ['orders.order-created'] })
    const Placed2 = defineEvent('sales.placed', { schema, version: 2 })

    const other = refusalOf(() => createRegistry([], [Placed, V1]))
    const version = refusalOf(() => createRegistry([], [Placed, Placed2]))

    expect([other.code, version.code]).toEqual(['POSTBUS_NAME_CONFLICT', 'POSTBUS_NAME_CONFLICT'])
    expect(version.message).toContain('Versions of "sales.placed" have different `previousNames`')
  })
})
