import { describe, expect, test } from 'vitest'
import { checkName, checkQueueName, isPartitionedQueue, partitionedQueue, SCHEMA_NAME } from '../../src/names.ts'
import { refusalOf } from './refusal.ts'

describe('the name of an event type or a handler', () => {
  test.each(['a', 'orders.order-created', 'orders.v2_order', `a${'x'.repeat(127)}`])('may be %s', (name) => {
    const check = () => checkName(name, 'Handler', 'POSTBUS_INVALID_HANDLER')

    expect(check).not.toThrow()
  })

  test.each([
    '',
    'Orders.created',
    '1.order',
    '.orders',
    '-orders',
    'orders created',
    'orders/created',
    'órders',
    'orders\n',
    `a${'x'.repeat(128)}`,
    undefined,
    7,
    ['orders'],
  ])('cannot be %j', (name) => {
    const error = refusalOf(() => checkName(name, 'Handler', 'POSTBUS_INVALID_HANDLER'))

    expect(error.code).toBe('POSTBUS_INVALID_HANDLER')
    expect(error.message).toContain(`Handler name ${JSON.stringify(name)} is not allowed: expected ^[a-z]`)
    expect(error.message).toContain('for example "orders.order-created"')
  })
})

describe('the name of a queue', () => {
  test.each(['events', 'slow.mail-2', `q${'x'.repeat(51)}`, 'partitioned'])('may be %s', (name) => {
    const check = () => checkQueueName(name, 'mail.receipt', 'POSTBUS_INVALID_HANDLER')

    expect(check).not.toThrow()
  })

  test.each(['', 'Events', 'a b', `q${'x'.repeat(52)}`, 'events_partitioned', undefined])('cannot be %j', (name) => {
    const error = refusalOf(() => checkQueueName(name, 'mail.receipt', 'POSTBUS_INVALID_HANDLER'))

    expect(error.message).toContain(`mail.receipt: queue ${JSON.stringify(name)} is not allowed`)
  })

  test('for deliveries with a key has its own ending', () => {
    const queue = partitionedQueue('events')

    expect(queue).toBe('events_partitioned')
    expect([queue, 'events'].map(isPartitionedQueue)).toEqual([true, false])
  })
})

describe('the name of a schema', () => {
  test('has at most 48 characters, and none of them needs quotes', () => {
    const names = ['postbus', '_p1', 'a'.repeat(48), 'a'.repeat(49), '1a', 'a-b', 'A', 'a"b', '']

    const allowed = names.map((name) => SCHEMA_NAME.test(name))

    expect(allowed).toEqual([true, true, true, false, false, false, false, false, false])
  })
})
