import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { refusalOf } from '../refusal.ts'

describe('an asynchronous schema', () => {
  test('is refused when it returns a promise', () => {
    const Checked = defineEvent('orders.checked', { schema: z.string().refine(async () => true) })

    const error = refusalOf(() => Checked('o1'))

    expect(error.message).toContain('orders.checked: its schema is asynchronous')
  })

  test('is refused also when it returns another kind of promise', () => {
    // oxlint-disable-next-line unicorn/no-thenable -- this test is about a promise of another library
    const thenable = { then: (resolve: (value: unknown) => void) => resolve({ value: {} }) }
    const validate = () => thenable as unknown as Promise<{ value: unknown }>
    const Checked = defineEvent('orders.checked', { schema: { '~standard': { version: 1, vendor: 'test', validate } } })

    const error = refusalOf(() => Checked({}))

    expect(error.message).toContain('asynchronous')
  })

  test('is refused without an unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const validate = () => Promise.reject(new Error('later'))
    const Failing = defineEvent('orders.failing', {
      schema: { '~standard': { version: 1, vendor: 'test', validate } },
    })

    const error = refusalOf(() => Failing({}))
    await new Promise(setImmediate)
    process.off('unhandledRejection', listener)

    expect(error.message).toContain('asynchronous')
    expect(unhandled).toEqual([])
  })
})

describe('an event type', () => {
  const schema = z.string()

  test('knows its name and its version, and cannot be changed', () => {
    const OrderShipped = defineEvent('orders.order-shipped', { schema, version: 3 })

    expect([OrderShipped.type, OrderShipped.version]).toEqual(['orders.order-shipped', 3])
    expect(Object.isFrozen(OrderShipped)).toBe(true)
  })

  test('distinguishes its events from events of other types and versions', () => {
    const first = defineEvent('orders.order-shipped', { schema })
    const second = defineEvent('orders.order-shipped', { schema, version: 2 })
    const other = defineEvent('orders.order-lost', { schema })

    const own = [first('o1'), second('o1'), other('o1')].map((event) => [first.is(event), second.is(event)])

    expect(own).toEqual([
      [true, false],
      [false, true],
      [false, false],
    ])
  })

  test.each(['', 'Orders.created', '1.order', 'orders created', 'a'.repeat(129), 'orders.*'])(
    'is refused the name %j',
    (name) => {
      const error = refusalOf(() => defineEvent(name, { schema }))

      expect(error.code).toBe('POSTBUS_INVALID_EVENT')
      expect(error.message).toContain(`Event type name ${JSON.stringify(name)} is not allowed`)
    },
  )

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31])('is refused the version %d', (version) => {
    const error = refusalOf(() => defineEvent('orders.order-created', { schema, version }))

    expect(error.message).toContain('is not a whole number from 1')
  })

  test('accepts any version that Postgres can store', () => {
    const version = 2 ** 31 - 1

    const Late = defineEvent('orders.late', { schema, version })

    expect(Late('').version).toBe(2_147_483_647)
  })

  test.each([undefined, null, {}, () => true])('is refused without a Standard Schema: %s', (none) => {
    const error = refusalOf(() => defineEvent('orders.order-created', { schema: none as never }))

    expect(error.message).toContain('expected `schema` to be a Standard Schema')
  })
})
