import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { shadow } from '../../../src/handlers/shadow.ts'
import { subscribes, subscriptionsOf } from '../../../src/handlers/subscription.ts'
import { refusalOf } from '../refusal.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.string() })
const OrderCreated2 = defineEvent('orders.order-created', { schema: z.number(), version: 2 })

describe('a subscription to an event type', () => {
  test('matches that name in that version only', () => {
    const [subscription] = subscriptionsOf('mail.receipt', OrderCreated2)

    expect(matches(subscription, 'orders.order-created', 2)).toBe(true)
    expect(matches(subscription, 'orders.order-created', 1)).toBe(false)
    expect(matches(subscription, 'orders.order-created2', 2)).toBe(false)
  })

  test('keeps its place in a list', () => {
    const subscriptions = subscriptionsOf('mail.receipt', [OrderCreated2, OrderCreated])

    expect(subscriptions).toEqual([
      { is: 'event-type', type: 'orders.order-created', version: 2 },
      { is: 'event-type', type: 'orders.order-created', version: 1 },
    ])
  })
})

describe('a subscription to a text pattern', () => {
  test.each([
    ['*', 'orders.order-created', true],
    ['orders.*', 'orders.order-created', true],
    ['orders.*', 'orders.', true],
    ['orders.*', 'orders-order-created', false],
    ['orders.*', 'ordersxorder-created', false],
    ['orders.*', 'old.orders.order-created', false],
    ['*.order-created', 'orders.order-created', true],
    ['*.order-created', 'orders.order-created-late', false],
    ['orders.*-created', 'orders.order-created', true],
    ['*.order-*', 'a.b.order-created', true],
    ['orders.order-created', 'orders.order-created', true],
    ['orders.order-created', 'orders.order-created-late', false],
    ['orders.order-created', 'ordersxorder-created', false],
  ])('%s for %s: %s', (pattern, type, expected) => {
    const [subscription] = subscriptionsOf('audit.log', pattern)

    const matched = matches(subscription, type, 1)

    expect(matched).toBe(expected)
  })

  test('matches every version', () => {
    const [subscription] = subscriptionsOf('audit.log', 'orders.*')

    const matched = [1, 2, 99].map((version) => matches(subscription, 'orders.order-created', version))

    expect(matched).toEqual([true, true, true])
  })

  property.prop([fc.array(fc.stringMatching(/^[a-z0-9_.-]{0,6}$/), { minLength: 2, maxLength: 4 }), fc.string()])(
    'takes every name that has its parts in their order, and no name that begins otherwise',
    (parts, other) => {
      const pattern = `a${parts.join('*')}`
      const [subscription] = subscriptionsOf('audit.log', pattern)

      const name = `a${parts.join('anything')}`

      expect(matches(subscription, name, 1)).toBe(true)
      expect(matches(subscription, `b${other}`, 1)).toBe(false)
    },
  )
})

describe('a subscription to a regular expression', () => {
  test.each(['g', 'y', 'gy'])('matches every time, even with the flag %s', (flags) => {
    const [subscription] = subscriptionsOf('audit.log', new RegExp('^orders', flags))

    const matched = [1, 2, 3].map(() => matches(subscription, 'orders.order-created', 1))

    expect(matched).toEqual([true, true, true])
  })

  test('keeps its other flags', () => {
    const [subscription] = subscriptionsOf('audit.log', /ORDERS/gi)

    const matched = matches(subscription, 'orders.order-created', 1)

    expect(matched).toBe(true)
  })

  test('matches anywhere in the name unless it is anchored', () => {
    const [subscription] = subscriptionsOf('audit.log', /created/)

    const matched = ['orders.order-created', 'orders.order-shipped'].map((type) => matches(subscription, type, 1))

    expect(matched).toEqual([true, false])
  })

  test('does not change the caller’s regular expression', () => {
    const mine = /orders/g
    const [subscription] = subscriptionsOf('audit.log', mine)

    matches(subscription, 'orders.order-created', 1)

    expect(mine.lastIndex).toBe(0)
  })
})

describe('a list that mixes event types, patterns and regular expressions', () => {
  test('keeps each subscription as it is, in the order of the list', () => {
    const subscriptions = subscriptionsOf('audit.log', [OrderCreated2, 'stock.*', /^mail\./g])

    expect(subscriptions).toEqual([
      { is: 'event-type', type: 'orders.order-created', version: 2 },
      { is: 'pattern', pattern: /^stock\..*$/, text: 'stock.*' },
      { is: 'pattern', pattern: /^mail\./, text: '/^mail\\./g' },
    ])
  })

  test('matches what any of them matches: the listed version, and every version by a pattern', () => {
    const subscriptions = subscriptionsOf('audit.log', [OrderCreated2, 'stock.*', /^mail\./g])
    const takes = (type: string, version: number) => subscriptions.some((one) => subscribes(one, type, version))

    const taken = ['orders.order-created', 'stock.moved', 'mail.sent', 'mail.sent', 'shop.closed'].map((type) =>
      [1, 2].filter((version) => takes(type, version)),
    )

    expect(taken).toEqual([[2], [1, 2], [1, 2], [1, 2], []])
  })
})

describe('a shadow', () => {
  test.each([OrderCreated, 'orders.*', /^orders\./, [OrderCreated, 'stock.*']])(
    'subscribes like the inner value: %s',
    (of) => {
      expect(subscriptionsOf('search.index', shadow(of as never))).toEqual(subscriptionsOf('search.index', of))
    },
  )
})

describe('a handler cannot subscribe to', () => {
  test.each([
    ['an empty list', [], 'an empty list'],
    ['what an import cycle leaves undefined', undefined, 'undefined (an import cycle?)'],
    ['the same inside a list', [OrderCreated, undefined], 'undefined (an import cycle?)'],
    ['an event instead of its type', OrderCreated('o1'), 'object'],
    ['a function that is no event type', () => 'orders.order-created', 'function'],
    ['empty text', '', '""'],
    ['text that no event type could be named', 'Orders.*', '"Orders.*"'],
    ['text in the syntax of regular expressions', '^orders', '"^orders"'],
    ['a pattern with a space', 'orders. *', '"orders. *"'],
    ['a pattern that no name has, beside others', [OrderCreated, 'stock.*', 'Mail.*'], '"Mail.*"'],
    ['a list in a list', [OrderCreated, ['stock.*']], 'of type object'],
    ['a number in a list', ['stock.*', 7], 'of type number'],
    ['a shadow in a list', [shadow(OrderCreated), 'stock.*'], 'shadow(…) in it'],
    ['the shadow of a shadow', shadow(shadow(OrderCreated) as never), 'shadow(…) in it'],
    ['the shadow of nothing', shadow([]), 'an empty list'],
    ['the shadow of what an import cycle leaves undefined', shadow(undefined as never), 'undefined (an import cycle?)'],
  ])('%s', (_, on, says) => {
    const error = refusalOf(() => subscriptionsOf('mail.receipt', on))

    expect(error.code).toBe('POSTBUS_INVALID_HANDLER')
    expect(error.message).toContain('Handler "mail.receipt": `on` is ')
    expect(error.message).toContain(says)
  })
})

function matches(subscription: ReturnType<typeof subscriptionsOf>[number] | undefined, type: string, version: number) {
  return subscription !== undefined && subscribes(subscription, type, version)
}
