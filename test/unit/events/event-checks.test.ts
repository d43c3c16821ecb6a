import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../../src/events/event.ts'
import { checkMetadata } from '../../../src/events/event-checks.ts'
import { refusalOf } from '../refusal.ts'

/** An event type whose partition key is the given value. */
const Keyed = defineEvent('orders.keyed', {
  schema: z.custom<{ key: string | null }>(),
  partitionKey: (data) => data.key,
})

describe('a partition key', () => {
  test('is null for an event type that has none', () => {
    const Unordered = defineEvent('orders.unordered', { schema: z.string() })

    const event = Unordered('o1')

    expect(event.partitionKey).toBeNull()
  })

  test('is null when an event needs no order', () => {
    const event = Keyed({ key: null })

    expect(event.partitionKey).toBeNull()
  })

  test('is made from the schema’s output, not from its input', () => {
    const Coerced = defineEvent('orders.coerced', {
      schema: z.object({ orderId: z.coerce.string() }),
      partitionKey: (data) => data.orderId.padStart(4, '0'),
    })

    const event = Coerced({ orderId: 7 })

    expect(event.partitionKey).toBe('0007')
  })

  test('has at most 512 bytes, even with few characters', () => {
    const longest = '€'.repeat(170) + 'ab'

    const event = Keyed({ key: longest })
    const error = refusalOf(() => Keyed({ key: `${longest}c` }))

    expect(event.partitionKey).toBe(longest)
    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toBe('orders.keyed: the partition key has 513 bytes: expected at most 512.')
  })

  test.each([
    ['empty', '', 'partitionKey returned ""'],
    ['with NUL', 'o\u00001', 'the partition key contains NUL'],
    ['with half of a surrogate pair', 'o\ud800', 'half of a surrogate pair'],
    ['a number', 7, 'partitionKey returned number'],
    ['undefined', undefined, 'partitionKey returned undefined'],
    ['an array', ['o1'], 'partitionKey returned an array'],
    ['a date', new Date(0), 'partitionKey returned a Date'],
  ])('is refused: %s', (_, key, says) => {
    const error = refusalOf(() => Keyed({ key: key as never }))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toContain(says)
  })

  property.prop([fc.string({ unit: 'binary', maxLength: 300 })])(
    'that is accepted can be stored: not empty, well formed, without NUL, at most 512 bytes',
    (key) => {
      const storable =
        key !== '' && key.isWellFormed() && !key.includes('\u0000') && new TextEncoder().encode(key).length <= 512

      const accepted = isAccepted(() => Keyed({ key }))

      expect(accepted).toBe(storable)
    },
  )
})

describe('metadata', () => {
  test('is a frozen copy, so that the publisher cannot change it afterwards', () => {
    const mine = { tenant: 'a', tags: ['x', { y: 1 }] }

    const metadata = checkMetadata('orders.order-created', mine)
    mine.tenant = 'b'

    expect(metadata).toEqual({ tenant: 'a', tags: ['x', { y: 1 }] })
    expect([metadata, metadata['tags']].every(Object.isFrozen)).toBe(true)
  })

  test('keeps a key named __proto__ as a key', () => {
    const hostile: unknown = JSON.parse('{"__proto__": {"admin": true}}')

    const metadata = checkMetadata('orders.order-created', hostile)

    expect(JSON.stringify(metadata)).toBe('{"__proto__":{"admin":true}}')
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  test.each([
    ['null', null, '`metadata` is null: expected an object'],
    ['an array', ['a'], '`metadata` is an array: expected an object'],
    ['text', 'a', '`metadata` is "a": expected an object'],
    ['a Map', new Map(), '`metadata` is a Map: expected an object'],
    ['undefined inside', { a: undefined }, '`metadata.a` is undefined'],
    ['NaN inside', { a: Number.NaN }, '`metadata.a` is number'],
    ['a bigint inside', { a: [1n] }, '`metadata.a[0]` is bigint'],
    ['a date inside', { a: { b: new Date(0) } }, '`metadata.a.b` is a Date'],
    ['a hole inside', { a: Array.from({ length: 1 }) }, '`metadata.a[0]` is undefined'],
    ['NUL inside', { a: '\u0000' }, '`metadata.a` contains NUL'],
    ['NUL in a key', { '\u0000': 1 }, 'a key of `metadata` contains NUL'],
    ['half of a surrogate pair', { a: '\udc00' }, 'half of a surrogate pair'],
    ['a key of 513 bytes', { ['a'.repeat(513)]: 1 }, 'a key of `metadata` has 513 bytes'],
  ])('is refused: %s', (_, metadata, says) => {
    const error = refusalOf(() => checkMetadata('orders.order-created', metadata))

    expect(error.code).toBe('POSTBUS_INVALID_EVENT')
    expect(error.message).toContain(says)
  })

  test('has at most 16,384 bytes in all', () => {
    const spent = '{"a":""}'.length
    const most = { a: 'x'.repeat(16_384 - spent) }

    const metadata = checkMetadata('orders.order-created', most)
    const error = refusalOf(() => checkMetadata('orders.order-created', { a: `${most.a}x` }))

    expect(metadata).toEqual(most)
    expect(error.message).toContain('`metadata` has 16385 bytes: expected at most 16384')
  })

  test('may be nested, but not without limit', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic

    const nested = checkMetadata('orders.order-created', nestedObject(20))
    const errors = [cyclic, nestedObject(21)].map((object) =>
      refusalOf(() => checkMetadata('orders.order-created', object)),
    )

    expect(nested).toEqual(nestedObject(20))
    expect(errors.every(({ message }) => message.includes('is nested too deeply'))).toBe(true)
  })

  property.prop([fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' }))])(
    'that is accepted says the same in JSON as what was given, and comes back equal',
    (given) => {
      const text = JSON.stringify(given)
      fc.pre(!text.includes(String.raw`\u0000`))

      const metadata = checkMetadata('orders.order-created', given)

      expect(JSON.stringify(metadata)).toBe(text)
      expect(metadata).toEqual(JSON.parse(text))
    },
  )
})

describe('text about an event', () => {
  test.each(['correlationId', 'causationId', 'source'])('`%s` has at most 512 bytes', (field) => {
    const longest = 'é'.repeat(256)

    const event = Keyed({ key: null }, { [field]: longest })
    const error = refusalOf(() => Keyed({ key: null }, { [field]: `${longest}a` }))

    expect(event).toMatchObject({ [field]: longest })
    expect(error.message).toBe(`orders.keyed: \`${field}\` has 513 bytes: expected at most 512.`)
  })

  test.each([7, null, new Date(0)])('is refused when it is not a string: %s', (source) => {
    const error = refusalOf(() => Keyed({ key: null }, { source: source as never }))

    expect(error.message).toContain('expected text')
  })
})

function isAccepted(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

function nestedObject(depth: number): object {
  return depth === 0 ? {} : { in: nestedObject(depth - 1) }
}
