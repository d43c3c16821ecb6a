/** Objects of another realm, or of a fake clock, are treated as what they look like: data of them can be published and comes back equal. */
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createCodec } from '../../src/codec/codec.ts'
import { checkMetadata } from '../../src/events/event-checks.ts'
import { defineEvent, defineHandler, failed } from '../../src/index.ts'
import { isError, isPlainObject } from '../../src/realm.ts'
import { differencesOf } from '../../src/testing/differences.ts'
import { differenceBetween } from '../support/difference.ts'
import { refusalOf } from './refusal.ts'

const codec = createCodec()
const Anything = defineEvent('shop.anything', { schema: z.any() })

/** Runs in a vm context, as test runners do. It has no URL except the one that it is given. */
const foreign = (code: string): unknown => runInNewContext(`(${code})`, { URL })

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('data of another realm', () => {
  test.each([
    ['object', '{ a: { b: 1 } }', { a: { b: 1 } }],
    ['array', '[1, [2]]', [1, [2]]],
    ['Date', 'new Date(5)', new Date(5)],
    ['Map', 'new Map([["a", { at: new Date(5) }]])', new Map([['a', { at: new Date(5) }]])],
    ['Set', 'new Set([1, 2n])', new Set<unknown>([1, 2n])],
    ['RegExp', '/a+/g', /a+/g],
    ['URL', 'new URL("https://example.com/a")', new URL('https://example.com/a')],
    ['typed array', 'new Uint8Array([1, 2])', new Uint8Array([1, 2])],
    ['typed array of fractions', 'new Float64Array([1.5])', new Float64Array([1.5])],
    ['Error', 'new Error("no", { cause: { a: [1n] } })', new Error('no', { cause: { a: [1n] } })],
  ])('comes back equal, as an object of this realm: %s', (_, code, here) => {
    const data = { it: foreign(code), here: new Date(1) }

    const direct = codec.decode(codec.encode(data, 'shop.tested'))
    const event = codec.decode(codec.encode(Anything(data).data, 'shop.tested'))

    for (const back of [direct, event]) expect(differenceBetween({ it: here, here: new Date(1) }, back)).toBeUndefined()
    expect(differencesOf({ it: here }, data)).toEqual([])
  })

  test('keeps a shared object shared', () => {
    const data = foreign('(() => { const shared = { at: new Date(5) }; return { one: shared, other: shared } })()')

    const back = codec.decode(codec.encode(data, 'shop.tested')) as Record<'one' | 'other', { at: Date }>

    expect(back.one).toBe(back.other)
    expect(back.one.at).toEqual(new Date(5))
  })

  test.each([
    ['new (class Money {})()', 'is an instance of Money, which would lose its class'],
    ['new (class Day extends Date {})()', 'is an instance of Day'],
    ['new (class Prices extends Map {})()', 'is an instance of Prices'],
    ['new TypeError("no")', 'is a TypeError, which would come back as a plain Error'],
    ['Object.create(null)', 'has no prototype'],
    ['Object.create(Object.create(null))', 'is an instance of an unnamed class'],
    ['new Date(NaN)', 'is an invalid Date'],
    ['Object.assign(new Map(), { name: "a" })', 'is an extra property'],
  ])('is refused for the same reasons as data of this realm: %s', (code, reason) => {
    expect(refusalOf(() => codec.encode({ it: foreign(code) }, 'shop.tested')).message).toContain(reason)
  })

  test('is left to a custom codec that applies to it', () => {
    class Money {
      cents = 42
    }
    const withMoney = createCodec({
      codecs: [
        {
          name: 'money',
          is: (value) => value instanceof Money,
          encode: ({ cents }) => cents,
          decode: (cents) => Object.assign(new Money(), { cents }),
        },
      ],
    })
    const data = Object.assign(foreign('{}') as object, { price: new Money(), at: foreign('new Date(5)') })

    const back = withMoney.decode(withMoney.encode(data, 'shop.tested'))

    expect(back).toEqual({ price: new Money(), at: new Date(5) })
  })
})

describe('other values around an event may be of another realm too', () => {
  test('options, metadata, times, patterns and errors', () => {
    const options = foreign('{ occurredAt: new Date(5), metadata: { tenant: ["a", { b: 1 }] } }') as object
    const event = Anything({}, options)
    const handler = defineHandler('shop.any', { on: foreign('/^shop/g') as RegExp, handle: () => undefined })
    const answer = failed(foreign('new RangeError("too far")') as Error)

    expect(event.occurredAt).toEqual(new Date(5))
    expect(checkMetadata('shop.any', event.metadata)).toEqual({ tenant: ['a', { b: 1 }] })
    expect(handler.subscriptions).toMatchObject([{ is: 'pattern' }])
    expect(answer.reason).toBe('too far')
  })

  test.each(['new Error("a")', 'new TypeError("a")', 'new (class Refused extends Error {})("a")'])(
    'an error is an error: %s',
    (code) => {
      expect(isError(foreign(code))).toBe(true)
      expect(isPlainObject(foreign(code))).toBe(false)
    },
  )
})

describe('a Date of fake timers is a Date', () => {
  test('in data, as the time of the event, and created before, during or after', () => {
    const before = new Date(1)
    vi.useFakeTimers({ now: new Date('2030-01-01T00:00:00Z') })
    const during = new Date()
    const event = Anything({ before, during }, { occurredAt: during })
    const whileFaked = codec.decode(codec.encode({ before, during }, 'shop.tested'))
    expect(whileFaked).toEqual({ before, during })
    expect(differencesOf({ before, during }, whileFaked)).toEqual([])
    vi.useRealTimers()

    const afterwards = codec.decode(codec.encode({ before, during }, 'shop.tested'))

    const real = { before: new Date(1), during: new Date('2030-01-01T00:00:00Z') }
    expect(differenceBetween(real, afterwards)).toBeUndefined()
    expect(codec.decode(codec.encode(event.data, 'shop.tested'))).toEqual(real)
    expect(event.occurredAt.toISOString()).toBe('2030-01-01T00:00:00.000Z')
  })

  test('when the fake Date does not know real Dates', () => {
    const real = new Date(1)
    class FakeDate extends Date {
      static override now(): number {
        return 5
      }
    }
    vi.stubGlobal('Date', FakeDate)
    const data = { real, fake: new Date(2) }

    const text = codec.encode(data, 'shop.tested')

    vi.unstubAllGlobals()
    expect(codec.decode(text)).toEqual({ real: new Date(1), fake: new Date(2) })
  })

  test('the time of an event is the application’s, and its id sorts by the real time', () => {
    const [earlier] = [Anything({}).id]
    vi.setSystemTime(new Date('1999-01-01T00:00:00Z'))

    const event = Anything({})

    expect(event.occurredAt).toEqual(new Date('1999-01-01T00:00:00Z'))
    expect(event.id > earlier).toBe(true)
  })
})
