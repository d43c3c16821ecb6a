import { describe, expect, test } from 'vitest'

import { type CustomCodec, createCodec } from '../../../src/codec/codec.ts'
import { PostbusError } from '../../../src/errors.ts'
import { differenceBetween } from '../../support/difference.ts'

describe('custom codecs', () => {
  class Money {
    readonly cents: number
    constructor(cents: number) {
      this.cents = cents
    }
  }
  const money: CustomCodec<Money, string> = {
    name: 'money',
    is: (value) => value instanceof Money,
    encode: (value) => `${value.cents}`,
    decode: (cents) => new Money(Number(cents)),
  }

  test('restore instances of their classes, also shared instances', () => {
    const withMoney = createCodec({ codecs: [money] })
    const total = new Money(4200)
    const data = { total, lines: new Map([['a', total]]), tips: new Set([new Money(1), new Money(2)]) }

    const back = withMoney.decode(withMoney.encode(data, 'shop.tested'))

    expect(differenceBetween(data, back)).toBeUndefined()
  })

  test('may handle Errors and plain objects, if they encode them as objects', () => {
    class Declined extends Error {}
    const declined: CustomCodec<Declined, { reason: string }> = {
      name: 'declined',
      is: (value) => value instanceof Declined,
      encode: ({ message }) => ({ reason: message }),
      decode: ({ reason }) => new Declined(reason),
    }
    const withDeclined = createCodec({ codecs: [declined] })

    const back = withDeclined.decode(withDeclined.encode([new Declined('no funds')], 'shop.tested'))

    expect(back).toEqual([new Declined('no funds')])
    expect(back).toMatchObject([{ constructor: Declined }])
  })

  test.each<[string, Partial<CustomCodec<Money>>]>([
    ['encodes it as something that is not plain JSON', { encode: () => ({ at: new Date(0) }) }],
    ['encodes it as something that is not plain JSON', { encode: () => undefined }],
    ['gives back something that its own `is` does not recognise', { decode: (cents) => cents as Money }],
    ['gives back something that encodes differently', { decode: () => new Money(0) }],
    ['failed in `encode`', { encode: () => BigInt('one') }],
    ['failed in `is`', { is: (value): value is Money => value instanceof (undefined as never) }],
  ])('are refused with the path when one %s', (reason, fault) => {
    const faulty = createCodec({ codecs: [{ ...money, ...fault }] })

    const error = errorOf(() => faulty.encode([new Money(1)], 'shop.tested'))

    expect(error.code).toBe('POSTBUS_UNSERIALIZABLE')
    expect(error.message).toContain(`is refused because the codec "money" ${reason}`)
  })

  test.each<[string, unknown, string]>([
    ['a primitive for a plain object', 'text', 'encodes it as a primitive'],
    ['a key that can harm', JSON.parse('{"__proto__":1}'), 'is encoded with the key "__proto__"'],
    ['too many levels', JSON.parse('['.repeat(201) + ']'.repeat(201)), 'is encoded more than 200 levels deep'],
    ['too many bytes', ['x'.repeat(2e6)], 'at least'],
    ['too many numbers', Array(1e6).fill(1), 'at least'],
  ])('are refused when a codec encodes a value as %s', (_, encoded, reason) => {
    const plain: CustomCodec = {
      name: 'plain',
      is: (value) => value instanceof Object && 'plain' in value,
      encode: () => encoded,
      decode: () => ({ plain: true }),
    }

    const error = errorOf(() => createCodec({ codecs: [plain] }).encode([{ plain: true }], 'shop.tested'))

    expect(error.message).toContain(reason)
  })

  test('are refused when they make two keys of a Map or two elements of a Set equal', () => {
    const one = new Money(1)
    const interning = createCodec({ codecs: [{ ...money, encode: () => '1', decode: () => one }] })

    const error = errorOf(() => interning.encode(new Set([new Money(1), new Money(1)]), 'shop.tested'))

    expect(error.message).toContain('`data.values()[1]` would become the same as another one')
  })

  test('must be registered in the process that reads the data', () => {
    const text = createCodec({ codecs: [money] }).encode([new Money(1)], 'shop.tested')

    const error = errorOf(() => createCodec().decode(text))

    expect(error.message).toContain('no codec "money" is registered')
  })

  test('report data that they cannot decode as corrupt, with the cause', () => {
    const failing = createCodec({ codecs: [{ ...money, decode: () => JSON.parse('broken') as Money }] })

    const error = errorOf(() => failing.decode('{"json":["1"],"meta":{"values":{"0":[["custom","money"]]},"v":1}}'))

    expect(error.code).toBe('POSTBUS_CORRUPT_PAYLOAD')
    expect(error.cause).toBeInstanceOf(SyntaxError)
  })

  test.each([{ codecs: [money, money] }, { codecs: [{ ...money, name: '' }] }, { maxBytes: 0 }, { maxBytes: 1e12 }])(
    'are checked when the codec is created, and so are limits: %j',
    (options) => {
      const error = errorOf(() => createCodec(options))

      expect(error.code).toBe('POSTBUS_INVALID_OPTIONS')
    },
  )
})

function errorOf(attempt: () => unknown): PostbusError {
  try {
    attempt()
  } catch (error) {
    if (error instanceof PostbusError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
