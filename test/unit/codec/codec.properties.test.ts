import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'

import { createCodec } from '../../../src/codec/codec.ts'
import { PostbusError } from '../../../src/errors.ts'
import { anyRecipe, makeFrom, publishableRecipe } from '../../support/any-data.ts'
import { differenceBetween } from '../../support/difference.ts'
import { followPath } from '../../support/follow-path.ts'

const codec = createCodec()
const sharedByAllObjects = Reflect.ownKeys(Object.prototype).map(String)

afterEach(expectCleanPrototype)

describe('any published data', () => {
  test('comes back equal if it consists of accepted kinds', () => {
    const equal = fc.property(publishableRecipe, (recipe) => {
      const data = makeFrom(recipe)

      const back = codec.decode(codec.encode(data, 'shop.tested'))

      expect(differenceBetween(data, back)).toBeUndefined()
    })

    fc.assert(equal, { numRuns: 1500 })
  })

  test('is accepted when the limit is its exact size, because the early estimate is never too high', () => {
    const accepted = fc.property(anyRecipe, (recipe) => {
      const data = makeFrom(recipe)
      const outcome = outcomeOf(() => codec.encode(data, 'shop.tested'))
      fc.pre('value' in outcome)

      const exact = createCodec({ maxBytes: Buffer.byteLength(outcome.value) })

      expect(exact.encode(data, 'shop.tested')).toBe(outcome.value)
    })

    fc.assert(accepted, { numRuns: 1500 })
  })

  test('comes back equal, or is refused with the path to the problem', () => {
    const equalOrRefused = fc.property(anyRecipe, (recipe) => {
      const data = makeFrom(recipe)

      const outcome = outcomeOf(() => codec.encode(data, 'shop.tested'))

      expect(problemWithPublishing(data, outcome)).toBeUndefined()
    })

    fc.assert(equalOrRefused, { numRuns: 1500 })
  })
})

describe('any stored text', () => {
  test('is decoded or reported as corrupt when parts of a document are replaced', () => {
    const mutations = fc.array(anyMutation(), { minLength: 1, maxLength: 4 })
    const handled = fc.property(anyDocument(), mutations, (text, replacements) => {
      const hostile = JSON.stringify(replacements.reduce(mutated, JSON.parse(text)))

      const outcome = outcomeOf(() => codec.decode(hostile))

      expect(problemWithReading(outcome)).toBeUndefined()
    })

    fc.assert(handled, { numRuns: 1500 })
  })

  test('is decoded or reported as corrupt when its text is damaged', () => {
    const handled = fc.property(
      anyDocument(),
      fc.nat(),
      fc.nat(20),
      fc.string(),
      (text, position, length, inserted) => {
        const from = position % (text.length + 1)
        const hostile = text.slice(0, from) + inserted + text.slice(from + length)

        const outcome = outcomeOf(() => codec.decode(hostile))

        expect(problemWithReading(outcome)).toBeUndefined()
      },
    )

    fc.assert(handled, { numRuns: 1500 })
  })
})

type Outcome<Value> = { value: Value } | { error: unknown }

function outcomeOf<Value>(attempt: () => Value): Outcome<Value> {
  try {
    return { value: attempt() }
  } catch (error) {
    return { error }
  }
}

function expectCleanPrototype(): void {
  expect(Reflect.ownKeys(Object.prototype).map(String)).toEqual(sharedByAllObjects)
}

function problemWithPublishing(data: unknown, outcome: Outcome<string>): string | undefined {
  if ('value' in outcome) return differenceBetween(data, codec.decode(outcome.value))
  if (!isPostbusError(outcome.error, 'POSTBUS_UNSERIALIZABLE')) return 'another error'

  const { message } = outcome.error
  const start = 'shop.tested: `'
  if (!message.startsWith(start)) return 'no path'
  const wrong = followPath(data, message.slice(start.length))
  const isReallyWrong = 'error' in outcomeOf(() => codec.encode({ wrong }, 'shop.tested'))
  return isReallyWrong || wrongByItsPlace.test(message) ? undefined : 'the path of something good'
}

/** Reasons that depend on the place of a value: elsewhere the value could be published. */
const wrongByItsPlace = /same object as|a typed array|a getter|an extra property|has a key/

function problemWithReading(outcome: Outcome<unknown>): string | undefined {
  return 'value' in outcome || isPostbusError(outcome.error, 'POSTBUS_CORRUPT_PAYLOAD') ? undefined : 'another error'
}

function isPostbusError(error: unknown, code: string): error is PostbusError {
  return error instanceof PostbusError && error.code === code
}

/** Documents of our own with shared references, from which the test makes hostile ones. */
function anyDocument(): fc.Arbitrary<string> {
  return anyRecipe.map((recipe) => {
    const outcome = outcomeOf(() => codec.encode({ data: makeFrom(recipe), more: [new Date(0), 1n] }, 'shop.tested'))
    return 'value' in outcome ? outcome.value : '{"json":{"at":["x"]},"meta":{"values":{"at":["set"]},"v":1}}'
  })
}

interface Mutation {
  node: number
  into: unknown
  asKey: boolean
}

const hostileWords = `Date undefined bigint map set number URL regexp Error class symbol custom data data.0 data.0.1
  more.0 __proto__ constructor prototype constructor.prototype . \\`.split(/\s+/)
const hostileParts: unknown[] = [
  null,
  3e9,
  -1,
  0,
  '',
  [],
  {},
  [[]],
  ['map'],
  ['set'],
  ['Error'],
  ['custom', 'toString'],
  ['class', 'Date'],
  ['typed-array', 'Uint8Array'],
  [['typed-array', 'Uint8Array']],
  [['data']],
  { data: ['more'] },
  [['a', 1]],
]

function anyMutation(): fc.Arbitrary<Mutation> {
  return fc.record({ node: fc.nat(60), into: fc.constantFrom(...hostileParts, ...hostileWords), asKey: fc.boolean() })
}

/** Replaces the nth value of a JSON tree, or renames its key. */
function mutated(json: unknown, { node, into, asKey }: Mutation): unknown {
  const slots = slotsOf(json)
  const slot = slots[node % (slots.length || 1)]
  if (!slot) return into
  const value = asKey ? Reflect.get(slot.container, slot.key) : structuredClone(into)
  const key = asKey && typeof into === 'string' ? into : slot.key
  Object.defineProperty(slot.container, key, { value, enumerable: true, configurable: true, writable: true })
  return json
}

interface Slot {
  container: object
  key: string
}

function slotsOf(json: unknown): Slot[] {
  if (typeof json !== 'object' || json === null) return []
  const own = Object.keys(json).map((key) => ({ container: json, key }))
  return [...own, ...Object.values(json).flatMap(slotsOf)]
}
