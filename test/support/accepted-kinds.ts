/** Every kind of data that can be published, by name. */

export interface Kind {
  name: string
  make(): unknown
}

const shared = { city: 'Utrecht' }

export const acceptedKinds: Kind[] = kinds({
  'null, booleans, numbers and strings': () => [null, true, false, 0, 1.5, -1, 5e-324, 1e308, '', 'text'],
  'undefined, and the difference from a missing key': () => ({
    here: undefined,
    list: [undefined],
    set: new Set([undefined]),
  }),
  'not a number, infinities and negative zero': () => [Number.NaN, Infinity, -Infinity, -0],
  'bigints up to 10,000 digits': () => [0n, -1n, 2n ** 64n, 10n ** 10_000n - 1n, -(10n ** 10_000n) + 1n],
  'strings with NUL and lone surrogates': () => ['\0', '\ud800', '\udc00a', '\ud83d\ude00', '\u2028'],
  'keys with NUL, lone surrogates, quotes and newlines': () => ({ '\0': 1, '\ud800': 2, '"': 3, '\n': 4 }),
  'keys that paths are made of': () => ({
    '': new Date(0),
    'a.b': { '.': 1n },
    '\\': { '\\.': -0 },
    '0': { 1: undefined },
  }),
  'keys named like methods': () => ({
    toString: 1,
    valueOf: 2n,
    hasOwnProperty: 3,
    length: 5,
    size: new Date(0),
  }),
  'dates, the first and the last': () => [new Date(0), new Date(8.64e15), new Date(-8.64e15), new Date('0000-01-01')],
  'maps with keys of any kind, in order': () =>
    new Map<unknown, unknown>([
      [Number.NaN, 1],
      ['b', 2],
      [new Date(0), 3],
      [{ a: 1 }, 4],
      [1, 5],
      ['1', 6],
    ]),
  'maps where NaN and a bigint are in several places': () => [
    Number.NaN,
    1n,
    new Map<unknown, unknown>([
      [Number.NaN, 1n],
      [1n, Number.NaN],
    ]),
  ],
  'sets where NaN is in several places, in order': () => [Number.NaN, new Set([1, Number.NaN, 2])],
  'sets of objects that look alike': () => new Set([{ a: 1 }, { a: 1 }, [], []]),
  'maps and sets inside each other': () => new Map([[new Set([1n]), new Map([['a', new Set([new Map()])]])]]),
  'regular expressions': () => [/a/dgimsy, /\//, new RegExp('/\n'), new RegExp(''), /[\/\]]/v],
  URLs: () => [new URL('https://example.com/a?b=c#d'), new URL('mailto:a@example.com'), new URL('file:///etc')],
  'errors with name, message and cause': () =>
    new Error('outer', { cause: new Error('inner', { cause: { at: new Date(0) } }) }),
  'errors with a name of their own': () => Object.assign(new Error('gone'), { name: 'GoneError' }),
  'typed arrays': () => [
    new Int8Array([-1]),
    new Uint8Array([255]),
    new Uint8ClampedArray([9]),
    new Int16Array([1]),
    new Uint16Array([1]),
    new Int32Array([1]),
    new Uint32Array([4e9]),
    new Float32Array([1.5]),
    new Float64Array([0.1]),
  ],
  'typed arrays over a part of a buffer': () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  'typed arrays over a buffer that can grow': () => new Uint8Array(new ArrayBuffer(2, { maxByteLength: 8 })),
  'objects that are frozen': () => Object.freeze({ a: Object.freeze([1]) }),
  'objects in several places': () => ({ billing: shared, shipping: shared, all: [shared, new Map([['a', shared]])] }),
  'objects in several places inside objects in several places': () => {
    const outer = { shared }
    return { first: shared, deep: { deeper: { outer } }, outer }
  },
  'dates in several places': () => {
    const date = new Date(0)
    return [date, date, new Map([[1, date]])]
  },
  'cycles through objects, arrays and maps': () => {
    const data: Record<string, unknown> = { 'odd.key': [] }
    data['self'] = data
    data['map'] = new Map([['top', data]])
    return data
  },
})

function kinds(byName: Record<string, () => unknown>): Kind[] {
  return Object.entries(byName).map(([name, make]) => ({ name, make }))
}
