import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'

import { createCodec } from '../../../src/codec/codec.ts'
import { PostbusError } from '../../../src/errors.ts'
import { acceptedKinds } from '../../support/accepted-kinds.ts'
import { differenceBetween } from '../../support/difference.ts'
import { hostileDocuments, pollutingDocuments } from '../../support/hostile-documents.ts'
import { refusedKinds } from '../../support/refused-kinds.ts'

const codec = createCodec()
const sharedByAllObjects = Reflect.ownKeys(Object.prototype).map(String)

describe('data that is published', () => {
  test.each(acceptedKinds)('comes back equal: $name', ({ make }) => {
    const data = { it: make() }

    const back = codec.decode(codec.encode(data, 'shop.tested'))

    expect(differenceBetween(data, back)).toBeUndefined()
  })

  test.each(refusedKinds)('is refused with its path: $name', ({ make, says }) => {
    const data = { it: make() }

    const error = errorOf(() => codec.encode(data, 'shop.tested'))

    expect(error.code).toBe('POSTBUS_UNSERIALIZABLE')
    expect(error.message).toContain(`shop.tested: \`data${says}`)
  })

  test('is stored as readable JSON, without annotations if none are needed', () => {
    const data = { orderId: 'o1', lines: [{ sku: 'a', quantity: 2 }], note: null }

    const text = codec.encode(data, 'orders.order-created')

    expect(text).toBe('{"json":{"orderId":"o1","lines":[{"sku":"a","quantity":2}],"note":null}}')
  })

  test('keeps a shared object readable at each of its places', () => {
    const address = { city: 'Utrecht' }

    const text = codec.encode({ billing: address, shipping: address }, 'orders.order-created')

    expect(JSON.parse(text)).toMatchObject({ json: { billing: { city: 'Utrecht' }, shipping: { city: 'Utrecht' } } })
  })

  test('may be nested 200 levels deep, but not 201', () => {
    const deepest = nested(200)

    const back = codec.decode(codec.encode(deepest, 'shop.tested'))
    const error = errorOf(() => codec.encode(nested(201), 'shop.tested'))

    expect(differenceBetween(deepest, back)).toBeUndefined()
    expect(error.message).toContain('is more than 200 levels deep')
  })

  test('may have a Map in the last two levels, because a Map takes two levels', () => {
    const map = new Map([['a', 1]])

    const text = codec.encode(nested(199, map), 'shop.tested')
    const error = errorOf(() => codec.encode(nested(200, map), 'shop.tested'))

    expect(differenceBetween(nested(199, map), codec.decode(text))).toBeUndefined()
    expect(error.message).toContain('is more than 200 levels deep')
  })

  test('never overflows the stack, at any depth', () => {
    const data = nested(100_000)

    const error = errorOf(() => codec.encode(data, 'shop.tested'))

    expect(error.code).toBe('POSTBUS_UNSERIALIZABLE')
  })

  test('comes back with unusual keys after V8 has parsed a key that misleads its parser', () => {
    const misleading = [{ first: 1, '\\': 2 }, { '"\\': 1 }, { '\\u': 1 }]
    const data = { first: 1, '\n': 2, inner: { '"\n': new Date(0), '\u0000': 1, '\ud800': 2, '\\.': 3 } }

    const back = codec.decode(codec.encode([misleading, data], 'shop.tested'))

    expect(differenceBetween([misleading, data], back)).toBeUndefined()
  })
})

describe('text with escapes', () => {
  const misleading = { first: 1, '\\': 2 }

  test.each([
    ['in a value', { first: 'a "quoted" word\n', second: 2 }],
    ['in a value that ends with a backslash', { first: '\\', '\n': 2 }],
    ['in a value that looks like a key', { first: '\\":', second: '":\\"' }],
    ['in a key behind such a value', { first: 'a\\"', '\n': { '"': 1 } }],
    ['in the last key', { first: 1, second: ['\\n'], '\n': 2 }],
  ])('comes back equal: %s', (_, data) => {
    codec.decode(codec.encode(misleading, 'shop.tested'))

    const back = codec.decode(codec.encode(data, 'shop.tested'))

    expect(differenceBetween(data, back)).toBeUndefined()
  })

  test('comes back equal when it contains extra spaces', () => {
    JSON.parse(JSON.stringify({ spaced: 1, '\\': 2 })) // only the first such key misleads V8

    const back = codec.decode('{ "json" : { "spaced" : "a\\n" , "\\n" \n\t: 2 } }')

    expect(differenceBetween({ spaced: 'a\n', '\n': 2 }, back)).toBeUndefined()
  })
})

describe('the size of the data', () => {
  test('may be exactly the limit in UTF-8 bytes, but not one byte more', () => {
    const exact = createCodec({ maxBytes: 100 })
    const around = '{"json":""}'.length

    const text = exact.encode('é'.repeat(44) + 'x'.repeat(100 - around - 88), 'shop.tested')
    const error = errorOf(() => exact.encode('é'.repeat(44) + 'x'.repeat(101 - around - 88), 'shop.tested'))

    expect(Buffer.byteLength(text)).toBe(100)
    expect(error.code).toBe('POSTBUS_TOO_LARGE')
    expect(error.message).toBe(
      'shop.tested: the data takes 101 bytes, but the limit is 100. ' +
        'Store the large part elsewhere and publish a reference to it, or raise `maxPayloadBytes`.',
    )
  })

  test('is refused early when objects that share objects would double it again and again', () => {
    let data: unknown = ['x']
    for (let level = 0; level < 60; level += 1) data = [data, data]

    const error = errorOf(() => codec.encode(data, 'shop.tested'))

    expect(error.code).toBe('POSTBUS_TOO_LARGE')
  })

  test('is refused early when annotations would repeat a long key', () => {
    const data = { ['k'.repeat(90_000)]: Array.from({ length: 1000 }, () => new Date(0)) }

    const error = errorOf(() => codec.encode(data, 'shop.tested'))

    expect(error.code).toBe('POSTBUS_TOO_LARGE')
  })

  test.each([new Map([['a', new Date(0)]]), new Set([1n, 2n]), new Error('a', { cause: new Date(0) })])(
    'is not overestimated for %s in several places, at paths of any length',
    (value) => {
      const shared = { value }
      const data = { a: shared, ['k'.repeat(200)]: shared }
      const exact = createCodec({ maxBytes: Buffer.byteLength(codec.encode(data, 'shop.tested')) })

      const back = exact.decode(exact.encode(data, 'shop.tested'))

      expect(differenceBetween(data, back)).toBeUndefined()
    },
  )

  test.each(['string', 'strings', 'numbers', 'objects', 'map', 'bytes', 'holes'])(
    'of 100 MB is refused with less than a second of CPU time and 256 MB of memory: %s',
    (kind) => {
      const script = new URL('../../support/publish-100-mb.ts', import.meta.url).pathname

      const output = execFileSync(process.execPath, ['--max-old-space-size=256', script, kind], { encoding: 'utf8' })

      const { code, cpuMs } = JSON.parse(output) as { code: string; cpuMs: number }
      expect(code).toMatch(/^POSTBUS_(?:TOO_LARGE|UNSERIALIZABLE)$/)
      expect(cpuMs).toBeLessThan(1_000)
    },
  )
})

describe('stored text', () => {
  afterEach(expectCleanPrototype)

  test.each(hostileDocuments)('is reported as corrupt, at little cost: $name', ({ text }) => {
    const memory = process.memoryUsage.rss()

    const attempts = [1, 2, 3].map(() => timed(() => errorOf(() => codec.decode(text))))

    expect(attempts.map(({ result }) => result.code)).toEqual(Array(3).fill('POSTBUS_CORRUPT_PAYLOAD'))
    expect(Math.min(...attempts.map(({ cpuMs }) => cpuMs))).toBeLessThan(50)
    expect(process.memoryUsage.rss() - memory).toBeLessThan(50e6)
  })

  test('cannot reach the prototype of all objects, with any paths and keys', () => {
    const canary = {}

    const errors = pollutingDocuments().map((text) => errorOf(() => codec.decode(text)).code)

    expect(errors.length).toBeGreaterThan(500)
    expect(new Set(errors)).toEqual(new Set(['POSTBUS_CORRUPT_PAYLOAD']))
    expect('polluted' in canary).toBe(false)
  })

  test('is refused by our own checks before superjson sees it, unless a RegExp does not compile', () => {
    const byAccident = hostileDocuments.filter(({ text }) =>
      errorOf(() => codec.decode(text)).message.includes('it cannot be restored'),
    )

    expect(byAccident.map(({ name }) => name)).toEqual([
      'a RegExp that does not compile',
      'a RegExp with unknown flags',
    ])
  })

  test.each([undefined, null, 1, {}, Buffer.from('{"json":1}')])('is corrupt if it is not a string: %s', (stored) => {
    const error = errorOf(() => codec.decode(stored as string))

    expect(error.message).toContain('it is not a text')
  })

  test('does not repeat the data in the error', () => {
    const error = errorOf(() => codec.decode('{"json":{"secret":"hunter2"'))

    expect(error.message).toBe(
      'The stored payload is not a document that Postbus wrote: it is not JSON. Restore it, or discard the event.',
    )
  })
})

function expectCleanPrototype(): void {
  expect(Reflect.ownKeys(Object.prototype).map(String)).toEqual(sharedByAllObjects)
}

function nested(levels: number, innermost: unknown = []): unknown {
  let data = innermost
  for (let level = 1; level < levels; level += 1) data = [data]
  return data
}

/** Measures the CPU time of this thread, so that a busy machine does not matter. */
function timed<Result>(work: () => Result): { result: Result; cpuMs: number } {
  const before = process.threadCpuUsage()
  const result = work()
  const { user, system } = process.threadCpuUsage(before)
  return { result, cpuMs: (user + system) / 1000 }
}

function errorOf(attempt: () => unknown): PostbusError {
  try {
    attempt()
  } catch (error) {
    if (error instanceof PostbusError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
