import { fc, test } from '@fast-check/vitest'
import { afterEach, describe, expect } from 'vitest'

import { createCodec } from '../../src/codec.ts'
import { PostbusError } from '../../src/errors.ts'
import { anyRecipe, make, publishableRecipe } from '../support/any-data.ts'
import { differenceBetween } from '../support/difference.ts'
import { followPath } from '../support/follow-path.ts'

const codec = createCodec()
const ownKeysBefore = Reflect.ownKeys(Object.prototype).map(String)

afterEach(() => {
  expect(Reflect.ownKeys(Object.prototype).map(String)).toEqual(ownKeysBefore)
})

describe('whatever is published', () => {
  test.prop([publishableRecipe], { numRuns: 1500 })('comes back equal if it is of known kinds', (recipe) => {
    const data = make(recipe)

    const back = codec.decode(codec.encode(data, 'shop.tested'))

    expect(differenceBetween(data, back)).toBeUndefined()
  })

  test.prop([anyRecipe], { numRuns: 4000 })('comes back equal, or is refused with the path to what is wrong', (recipe) => {
    const data = make(recipe)

    const outcome = outcomeOf(() => codec.encode(data, 'shop.tested'))

    if ('error' in outcome) expectPathInto(data, outcome.error)
    else expect(differenceBetween(data, codec.decode(outcome.value))).toBeUndefined()
  })
})

describe('whatever is stored', () => {
  test.prop([anyDocument(), fc.array(anyMutation(), { minLength: 1, maxLength: 4 })], { numRuns: 4000 })(
    'is decoded or reported as corrupt when parts of a document are replaced',
    (text, mutations) => {
      const hostile = JSON.stringify(mutations.reduce(mutated, JSON.parse(text)))

      const outcome = outcomeOf(() => codec.decode(hostile))

      expectDecodedOrCorrupt(outcome)
    },
  )

  test.prop([anyDocument(), fc.nat(), fc.nat(20), fc.string()], { numRuns: 1500 })(
    'is decoded or reported as corrupt when its text is damaged',
    (text, position, length, inserted) => {
      const from = position % (text.length + 1)
      const hostile = text.slice(0, from) + inserted + text.slice(from + length)

      const outcome = outcomeOf(() => codec.decode(hostile))

      expectDecodedOrCorrupt(outcome)
    },
  )

  test.prop([fc.json()])('is decoded or reported as corrupt when it is any JSON', (text) => {
    const outcome = outcomeOf(() => codec.decode(text))

    expectDecodedOrCorrupt(outcome)
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

function expectPathInto(data: unknown, error: unknown): void {
  if (!(error instanceof PostbusError)) throw error
  expect(error.code).toBe('POSTBUS_UNSERIALIZABLE')
  const start = 'shop.tested: `'
  expect(error.message.startsWith(start)).toBe(true)
  const wrong = followPath(data, error.message.slice(start.length))
  expect(/a function|a symbol,/.test(error.message)).toBe(typeof wrong === 'function' || typeof wrong === 'symbol')
  const alone = outcomeOf(() => codec.encode({ wrong }, 'shop.tested'))
  expect('error' in alone || /same object as|getter|extra property|has a key/.test(error.message)).toBe(true)
}

function expectDecodedOrCorrupt(outcome: Outcome<unknown>): void {
  if (!('error' in outcome)) return
  expect(outcome.error).toBeInstanceOf(PostbusError)
  expect(outcome.error).toHaveProperty('code', 'POSTBUS_CORRUPT_PAYLOAD')
}

/** Documents that we wrote, with shared references, as the raw material of hostile ones. */
function anyDocument(): fc.Arbitrary<string> {
  return anyRecipe.map((recipe) => {
    const outcome = outcomeOf(() => codec.encode({ data: make(recipe), more: [new Date(0), 1n] }, 'shop.tested'))
    return 'value' in outcome ? outcome.value : '{"json":{"at":["x"]},"meta":{"values":{"at":["set"]},"v":1}}'
  })
}

interface Mutation {
  node: number
  into: unknown
  asKey: boolean
}

const hostileParts: unknown[] = [
  ...['Date', 'undefined', 'bigint', 'map', 'set', 'number', 'URL', 'regexp', 'Error', 'class', 'symbol', 'custom'],
  ...['__proto__', 'constructor', 'prototype', 'constructor.prototype', '', '.', '\\', 'data', 'data.0', 'data.0.1', 'more.0'],
  ...[null, 3e9, -1, 0, [], {}, [[]], ['map'], ['set'], ['Error'], ['custom', 'toString'], ['class', 'Date']],
  ...[['typed-array', 'Uint8Array'], [['typed-array', 'Uint8Array']], [['data']], { data: ['more'] }, [['a', 1]]],
]

function anyMutation(): fc.Arbitrary<Mutation> {
  return fc.record({ node: fc.nat(60), into: fc.constantFrom(...hostileParts), asKey: fc.boolean() })
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
