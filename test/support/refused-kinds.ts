/** Every kind of data that is refused, by name, with the path and the reason. */

export interface RefusedKind {
  name: string
  make(): unknown
  /** How the message goes on after `data`, for data of `{ it: … }`. */
  says: string
}

const cyclicSet = new Set<unknown>()
cyclicSet.add(cyclicSet)
const cyclicError = new Error('around')
cyclicError.cause = { cyclicError }
const key = { sku: 'a' }

class Money {
  readonly cents = 1
}

export const refusedKinds: RefusedKind[] = refusals({
  function: ['.it` is a function', () => () => 1],
  class: ['.it` is a function', () => Money],
  symbol: ['.it` is a symbol', () => Symbol('a')],
  'symbol key': ['.it` has the key Symbol(a), a symbol', () => ({ [Symbol('a')]: 1 })],
  'class instance': ['.it` is an instance of Money, which would lose its class. Register a codec.', () => new Money()],
  'class instance in a Map': ['.it.get("a b")` is an instance of Money', () => new Map([['a b', new Money()]])],
  'class instance in a Map under an object': ['.it.values()[0]` is an instance', () => new Map([[{}, new Money()]])],
  'class instance as a Map key': [
    '.it.keys()[1]` is an instance of Money',
    () => new Map([[1, 1] as [unknown, number], [new Money(), 2]]),
  ],
  'class instance in a Set': ['.it.values()[1]` is an instance of Money', () => new Set<unknown>([1, new Money()])],
  'class instance under an odd key': ['.it["odd key"][2]` is an instance', () => ({ 'odd key': [1, 2, new Money()] })],
  'class instance in the cause of an Error': [
    '.it.cause.by` is an instance',
    () => new Error('a', { cause: { by: new Money() } }),
  ],
  'instance of an unnamed class': ['.it` is an instance of an unnamed class', () => new (unnamedClass())()],
  Buffer: [
    '.it` is a Buffer, which cannot be read back. Use a Uint8Array or register a codec.',
    () => Buffer.from('a'),
  ],
  DataView: ['.it` is a DataView', () => new DataView(new ArrayBuffer(1))],
  ArrayBuffer: ['.it` is an ArrayBuffer', () => new ArrayBuffer(1)],
  'invalid Date': ['.it` is an invalid Date', () => new Date(Number.NaN)],
  'object without a prototype': ['.it` has no prototype', () => Object.create(null)],
  'Map key that is also elsewhere': [
    '.it.also` is the same object as `data.it.map.keys()[0]`',
    () => ({ map: new Map([[key, 1]]), also: key }),
  ],
  'object that is also a Map key': [
    '.it.map.keys()[0]` is the same object as `data.it.also`',
    () => ({ also: key, map: new Map([[key, 1]]) }),
  ],
  'Set element that is also elsewhere': ['.it[1]` is the same object', () => [new Set([key]), key]],
  'object that is also in an Error': [
    '.it[1].cause` is the same object as `data.it[0]`',
    () => [key, new Error('a', { cause: key })],
  ],
  'Set that contains itself': ['.it.values()[0]` is the same object as `data.it`', () => cyclicSet],
  'Error that contains itself': ['.it.cause.cyclicError` is the same object as `data.it`', () => cyclicError],
  'sparse array': ['.it` is a sparse array', () => [1, , 3]], // oxlint-disable-line no-sparse-arrays
  'array that ends in a hole': ['.it` is a sparse array', () => Array(3)],
  'array with an extra property': ['.it.total` is an extra property', () => Object.assign([1], { total: 1 })],
  'sparse array with an extra property': ['.it` is a sparse array', () => Object.assign([, 1], { total: 1 })], // oxlint-disable-line no-sparse-arrays
  'array with a symbol key': ['.it` has the key Symbol(a)', () => Object.assign([1], { [Symbol('a')]: 1 })],
  'array with a getter': ['.it[0]` is a getter', () => Object.defineProperty([1], 0, { get: () => 1 })],
  'subclass of Array': ['.it` is an instance of Lines', () => new (class Lines extends Array {})()],
  'subclass of Date': ['.it` is an instance of Day', () => new (class Day extends Date {})()],
  'subclass of Map': ['.it` is an instance of Prices', () => new (class Prices extends Map {})()],
  'subclass of Set': ['.it` is an instance of Tags', () => new (class Tags extends Set {})()],
  'Date with an extra property': ['.it.zone` is an extra property', () => Object.assign(new Date(0), { zone: 'CET' })],
  'Set with an extra property': ['.it.name` is an extra property', () => Object.assign(new Set(), { name: 'a' })],
  'RegExp with an extra property': ['.it.name` is an extra property', () => Object.assign(/a/, { name: 'a' })],
  'URL with an extra property': ['.it.name` is an extra property', () => Object.assign(new URL('a:b'), { name: 'a' })],
  'Date with a symbol key': ['.it` has the key Symbol(a)', () => Object.assign(new Date(0), { [Symbol('a')]: 1 })],
  'Error with a getter': [
    '.it.cause` is a getter',
    () => Object.defineProperty(new Error('a'), 'cause', { get: () => 1 }),
  ],
  'Map with an extra property': ['.it.name` is an extra property', () => Object.assign(new Map(), { name: 'a' })],
  'Error with an extra property': [
    '.it.code` is an extra property',
    () => Object.assign(new Error('a'), { code: 'E' }),
  ],
  'Error with a message that is no string': [
    '.it.message` is not a string',
    () => Object.assign(new Error('a'), { message: 1 }),
  ],
  'subclass of Error': ['.it` is a TypeError, which would come back as a plain Error', () => new TypeError('a')],
  AggregateError: ['.it` is an AggregateError', () => new AggregateError([])],
  getter: [
    '.it.total` is a getter',
    () => ({
      get total() {
        return 1
      },
    }),
  ],
  'getter that throws': [
    '.it.total` is a getter',
    () => ({
      get total(): number {
        throw new Error('no')
      },
    }),
  ],
  'hidden property': ['.it.secret` is not enumerable', () => Object.defineProperty({}, 'secret', { value: 1 })],
  arguments: [
    '.it.length` is not enumerable',
    function () {
      return (function () {
        return arguments
      })()
    },
  ], // oxlint-disable-line prefer-rest-params
  Proxy: ['.it` is a Proxy', () => new Proxy({}, {})],
  'Proxy of an array': ['.it` is a Proxy', () => new Proxy([], {})],
  'Proxy that fails': [
    '.it` is a Proxy',
    () =>
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error('no')
          },
        },
      ),
  ],
  'revoked Proxy': ['.it` is a Proxy', revokedProxy],
  Promise: ['.it` is a Promise, which cannot be stored. Await it first.', () => Promise.resolve()],
  WeakMap: ['.it` is an instance of WeakMap', () => new WeakMap()],
  generator: [
    '.it` is an instance of an unnamed class',
    () =>
      (function* () {
        yield 1
      })(),
  ],
  'boxed number': ['.it` is a Number object', () => Object(1)],
  'boxed string': ['.it` is a String object', () => Object('a')],
  'RegExp with a lastIndex': ['.it` is a RegExp with a lastIndex', () => Object.assign(/a/g, { lastIndex: 1 })],
  'RegExp that is too long': ['.it` is a RegExp of more than 1000 characters', () => new RegExp('a'.repeat(1001))],
  'bigint that is too long': ['.it` is a bigint of more than 10,000 digits', () => 10n ** 10_000n],
  'bigint of a million digits': ['.it` is a bigint of more than', () => 1n << 3_000_000n],
  BigInt64Array: ['.it` is a BigInt64Array', () => new BigInt64Array(1)],
  'not a number in a typed array': [
    '.it[1]` is NaN, which a typed array cannot keep',
    () => new Float64Array([0, Number.NaN]),
  ],
  'infinity in a typed array': ['.it[0]` is -Infinity', () => new Float32Array([-Infinity])],
  'negative zero in a typed array': ['.it[0]` is -0', () => new Float64Array([-0])],
  'typed array over shared memory': ['.it` is over shared memory', () => new Uint8Array(new SharedArrayBuffer(1))],
  'typed array with an extra property': ['.it` has extra properties', () => Object.assign(new Uint8Array(1), { a: 1 })],
  URLSearchParams: ['.it` is a URLSearchParams', () => new URLSearchParams()],
  'URL only by its prototype': ['.it` is an instance of URL', () => Object.create(URL.prototype)],
  'Date only by its prototype': ['.it` is an instance of Date', () => Object.create(Date.prototype)],
  'RegExp only by its prototype': ['.it` is an instance of RegExp', () => Object.create(RegExp.prototype)],
  'typed array only by its prototype': ['.it` is an instance of Int8Array', () => Object.create(Int8Array.prototype)],
  'Map that pretends to be plain': [
    '.it` is more than a plain object',
    () => Object.setPrototypeOf(new Map([[1, 2]]), Object.prototype),
  ],
  'Date that pretends to be plain': [
    '.it` is more than a plain object',
    () => Object.setPrototypeOf(new Date(), Object.prototype),
  ],
  'key __proto__': ['.it.__proto__` has a key that can harm', () => JSON.parse('{"__proto__": 1}') as unknown],
  'key constructor': ['.it.constructor` has a key that can harm', () => ({ constructor: 1 })],
  'key prototype': ['.it.prototype` has a key that can harm', () => ({ prototype: 1 })],
  'shared object whose path is too long': ['.it[1].kkkk', () => [key, { ['k'.repeat(100_001)]: key }]],
  'path too long to annotate': ['.it.kkkk', () => ({ ['k'.repeat(100_001)]: new Date(0) })],
  'more shared references into large Maps than can be restored quickly': [
    '.it[1][1998]` is the same object',
    manyReferences,
  ],
})

function unnamedClass(): new () => object {
  return class {
    readonly cents = 1
  }
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function manyReferences(): unknown {
  const map = new Map(Array.from({ length: 4000 }, (_, id) => [id, { id }]))
  return [map, [...map.values()]]
}

function refusals(byName: Record<string, [says: string, make: () => unknown]>): RefusedKind[] {
  return Object.entries(byName).map(([name, [says, make]]) => ({ name, says, make }))
}
