/** Generates data of every kind that can be published, and of kinds that cannot, with shared and cyclic references. */

import * as fc from 'fast-check'

/** How to make a value. Each run makes objects of its own from the recipe, and a reference can lead to any of them. */
export type Recipe =
  | { is: 'leaf'; make: () => unknown }
  | { is: 'object'; entries: [string, Recipe][] }
  | { is: 'array' | 'set'; elements: Recipe[] }
  | { is: 'map'; entries: [Recipe, Recipe][] }
  | { is: 'error'; message: string; cause: Recipe }
  | { is: 'reference'; to: number }

/** Strings of any UTF-16 code units: lone surrogates, NUL, and the characters that paths consist of. */
const anyString = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.string({ unit: fc.constantFrom('.', '\\', '0', '1', 'a', '"', "'", '`', '\0', '\ud800', '\udc00', '[', ']') }),
)

const oddKeys = [
  '',
  '.',
  '\\',
  '\\.',
  '0',
  '1',
  '-1',
  '01',
  'a.b',
  'length',
  'size',
  'toString',
  'toJSON',
  'json',
  'meta',
]
const anyKey = fc.oneof(anyString, fc.constantFrom(...oddKeys, 'cause', 'name', '\ud800', '\0', '$ref', 'then'))

const typedArrays = fc.oneof(
  fc.uint8Array().map((array) => () => array.slice()),
  fc.int16Array().map((array) => () => array.subarray(1)),
  fc.uint32Array().map((array) => () => array.slice()),
  fc.uint8ClampedArray().map((array) => () => array.slice()),
  fc.float32Array({ noNaN: true, noDefaultInfinity: true }).map((array) => () => array.map((number) => number + 0)),
  fc.float64Array({ noNaN: true, noDefaultInfinity: true }).map((array) => () => array.map((number) => number + 0)),
)

const publishableLeaf = fc.oneof(
  leaf(anyString),
  leaf(fc.double()),
  leaf(fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 2 ** 53)),
  leaf(fc.constantFrom(null, undefined, true, false)),
  leaf(fc.bigInt()),
  fc.date({ noInvalidDate: true }).map((date): Recipe => ({ is: 'leaf', make: () => new Date(date) })),
  fc.webUrl().map((url): Recipe => ({ is: 'leaf', make: () => new URL(url) })),
  fc
    .constantFrom(/a/gi, /\//, /(?<year>\d{4})\n/su, /[\/\]]/v, new RegExp('/\n'), new RegExp(''))
    .map((regexp): Recipe => ({ is: 'leaf', make: () => new RegExp(regexp) })),
  typedArrays.map((make): Recipe => ({ is: 'leaf', make })),
)

class Customer {
  readonly name = 'Ada'
}

const unpublishable: (() => unknown)[] = [
  () => () => 'late',
  () => Symbol('here'),
  () => new Customer(),
  () => Buffer.from('attachment'),
  () => new Date(Number.NaN),
  () => Object.create(null),
  () => new TypeError('wrong'),
  () => new Float64Array([1, -0]),
  () => Object.assign([1], { total: 1 }),
  () => JSON.parse('{"__proto__": 1}') as unknown,
  () => ({ constructor: 1 }),
  () => ({ [Symbol('key')]: 1 }),
  () => ({
    get price() {
      return 1
    },
  }),
  () => new Proxy({}, {}),
  () => Promise.resolve(),
]

const recipes = fc.letrec<{ publishable: Recipe; anything: Recipe }>((tie) => ({
  publishable: fc.oneof({ maxDepth: 4, depthSize: 'small' }, publishableLeaf, ...containersOf(tie('publishable'))),
  anything: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { weight: 8, arbitrary: publishableLeaf },
    { weight: 1, arbitrary: fc.constantFrom(...unpublishable).map((make): Recipe => ({ is: 'leaf', make })) },
    { weight: 3, arbitrary: fc.nat(20).map((to): Recipe => ({ is: 'reference', to })) },
    ...containersOf(tie('anything')).map((arbitrary) => ({ weight: 4, arbitrary })),
  ),
}))

/** Always accepted. */
export const publishableRecipe: fc.Arbitrary<Recipe> = recipes.publishable

/** May be accepted or refused. */
export const anyRecipe: fc.Arbitrary<Recipe> = recipes.anything

/** A reference leads to one of the objects made before it, or to one that contains it. */
export function makeFrom(recipe: Recipe, made: object[] = []): unknown {
  switch (recipe.is) {
    case 'leaf':
      return recipe.make()
    case 'object':
      return fill(made, {}, (object) =>
        recipe.entries.forEach(([key, value]) => Object.assign(object, { [key]: makeFrom(value, made) })),
      )
    case 'array':
      return fill(made, [] as unknown[], (array) =>
        recipe.elements.forEach((element) => array.push(makeFrom(element, made))),
      )
    case 'set':
      return fill(made, new Set(), (set) => recipe.elements.forEach((element) => set.add(makeFrom(element, made))))
    case 'map':
      return fill(made, new Map(), (map) =>
        recipe.entries.forEach(([key, value]) => map.set(makeFrom(key, made), makeFrom(value, made))),
      )
    case 'error':
      return fill(made, new Error(recipe.message), (error) => (error.cause = makeFrom(recipe.cause, made)))
    case 'reference':
      return made[recipe.to % (made.length || 1)]
  }
}

function fill<Container extends object>(
  made: object[],
  container: Container,
  put: (container: Container) => void,
): Container {
  made.push(container)
  put(container)
  return container
}

function leaf(values: fc.Arbitrary<unknown>): fc.Arbitrary<Recipe> {
  return values.map((value) => ({ is: 'leaf', make: () => value }))
}

function containersOf(inner: fc.Arbitrary<Recipe>): fc.Arbitrary<Recipe>[] {
  return [
    fc.array(fc.tuple(anyKey, inner), { maxLength: 5 }).map((entries) => ({ is: 'object', entries })),
    fc.array(inner, { maxLength: 5 }).map((elements) => ({ is: 'array', elements })),
    fc.array(inner, { maxLength: 4 }).map((elements) => ({ is: 'set', elements })),
    fc.array(fc.tuple(inner, inner), { maxLength: 4 }).map((entries) => ({ is: 'map', entries })),
    fc.tuple(anyString, inner).map(([message, cause]) => ({ is: 'error', message, cause })),
  ]
}
