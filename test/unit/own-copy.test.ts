/** An event's data stays as it was validated, even if the objects that it was made from change. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createCodec } from '../../src/codec/codec.ts'
import { ownCopy } from '../../src/events/own-copy.ts'
import { defineEvent } from '../../src/index.ts'
import { acceptedKinds } from '../support/accepted-kinds.ts'
import { differenceBetween } from '../support/difference.ts'
import { refusedKinds } from '../support/refused-kinds.ts'
import { refusalOf } from './refusal.ts'

class Money {
  cents: number
  readonly history: number[] = []
  constructor(cents: number) {
    this.cents = cents
  }
  get euros(): number {
    return this.cents / 100
  }
}

class Sealed {
  readonly #cents: number
  constructor(cents: number) {
    this.#cents = cents
  }
  get cents(): number {
    return this.#cents
  }
}

class Prices extends Map<string, Money> {}

interface Order {
  customer: { id: string }
  lines: { sku: string }[]
  placedAt: Date
  tags: Set<string>
  prices: Map<string, { cents: number }>
  bytes: Uint8Array
  price: Money
}

const anOrder = (): Order => ({
  customer: { id: 'c1' },
  lines: [{ sku: 'a' }],
  placedAt: new Date(0),
  tags: new Set(['new']),
  prices: new Map([['a', { cents: 1 }]]),
  bytes: new Uint8Array([1]),
  price: new Money(42),
})

function change(order: Order): void {
  order.customer.id = 'c2'
  order.lines.push({ sku: 'b' })
  order.placedAt.setFullYear(1999)
  order.tags.add('changed')
  for (const price of order.prices.values()) price.cents = 2
  order.bytes[0] = 2
  order.price.cents = 1
  order.price.history.push(1)
}

/** Returns its own input, as arktype and other libraries do. */
const passesOn: StandardSchemaV1<Order> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Order }) },
}

describe('changes to the input after the event was made do not reach the event, with', () => {
  test.each([
    ['a schema that returns what it was given', passesOn],
    ['z.custom', z.custom<Order>()],
    ['z.any', z.any()],
    ['an object of z.any', z.object(Object.fromEntries(Object.keys(anOrder()).map((key) => [key, z.any()])))],
  ])('%s', (_, schema) => {
    const OrderPlaced = defineEvent('orders.placed', { schema, partitionKey: (order) => (order as Order).customer.id })
    const order = anOrder()
    const event = OrderPlaced(order)

    change(order)

    expect(event.data).toEqual(anOrder())
    expect(event.partitionKey).toBe('c1')
  })

  test('plain data is frozen at every depth, so it cannot be changed through the event either', () => {
    const event = defineEvent('orders.placed', { schema: passesOn })(anOrder())

    expect(() => change(event.data)).toThrow(TypeError)
    expect(() => event.data.lines.push({ sku: 'b' })).toThrow(TypeError)
  })
})

describe('a copy', () => {
  test.each(acceptedKinds)('differs in nothing that a handler could notice: $name', ({ make }) => {
    const data = { it: make() }

    expect(differenceBetween(data, ownCopy(data))).toBeUndefined()
  })

  test.each(refusedKinds)('is refused for the same reason as the original: $name', ({ make, says }) => {
    const data = { it: make() }

    const refusal = refusalOf(() => createCodec().encode(ownCopy(data, { freeze: true }), 'shop.tested'))

    expect(refusal.message).toContain(`shop.tested: \`data${says}`)
  })

  test('of an instance is an instance, also for a subclass of a built-in class', () => {
    const prices = new Prices([['a', new Money(1)]])

    const copy = ownCopy({ price: new Money(42), prices })

    expect(copy.price).toBeInstanceOf(Money)
    expect(copy.price.euros).toBe(0.42)
    expect(copy.prices).toBeInstanceOf(Prices)
    expect(copy.prices.get('a')).not.toBe(prices.get('a'))
  })

  test('keeps an object with private fields itself, because a copy would lose them', () => {
    const price = new Sealed(42)

    const copy = ownCopy({ price })

    expect(copy.price).toBe(price)
    expect(copy.price.cents).toBe(42)
  })

  test('of a cycle is a new cycle', () => {
    const order: { id: string; self?: unknown } = { id: 'o1' }
    order.self = order

    const copy = ownCopy(order)

    expect(copy.self).toBe(copy)
    expect(copy).not.toBe(order)
  })

  test('stops in data that is much deeper than the limit', () => {
    let data: unknown = 'deep'
    for (let level = 0; level < 20_000; level += 1) data = [data]

    expect(refusalOf(() => createCodec().encode(ownCopy(data), 'shop.tested')).message).toContain('levels deep')
  })
})
