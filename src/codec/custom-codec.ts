/** Custom codecs, which the user provides for values that Postbus does not know: money, decimals, geometry, domain classes. */

import { isDeepStrictEqual, types } from 'node:util'

import { type PlainJson, parseJson } from './parse-json.ts'

/**
 * Turns one kind of object into plain JSON and back. Codecs are asked before the built-in kinds, and only about objects.
 * Each result is tested at publish: what `decode` returns must satisfy `is`, and encode to the same JSON again.
 */
export interface CustomCodec<Value = unknown, Encoded = unknown> {
  /** Stored documents contain this name: do not rename the codec while such documents exist. */
  name: string
  /** Must be quick, pure and safe for any object. */
  is(value: unknown): value is Value
  /** Returns plain JSON: strings, finite numbers, booleans, null, and arrays and objects of these. */
  encode(value: Value): Encoded
  /** Gets what `encode` returned, or any other JSON that the table holds. If it throws, the payload counts as corrupt. */
  decode(encoded: Encoded): Value
}

/** The result of a codec for one object of the data. */
export interface CustomEncoding {
  codec: CustomCodec
  json: PlainJson
  /** The object that `decode` returns for `json`. It shows whether two objects would come back as one. */
  comesBackAs: object
}

/** The reason why a codec's result cannot be used. The caller knows the value's place and adds it. */
export class CustomCodecFailure extends Error {}

export function encodeCustom(value: object, codecs: readonly CustomCodec[]): CustomEncoding | undefined {
  const codec = codecs.find((candidate) => asked(candidate, 'is', () => candidate.is(value)))
  if (!codec) return undefined

  const text = asked(codec, 'encode', () => plainJsonText(codec, codec.encode(value)))
  const json = parseJson(text)
  if (isWalkedBySuperjson(value) && (typeof json !== 'object' || json === null)) throw failure(codec, mustBeObject)

  const comesBackAs = asked(codec, 'decode', () => codec.decode(parseJson(text)))
  if (!isObject(comesBackAs) || !asked(codec, 'is', () => codec.is(comesBackAs))) throw failure(codec, notRecognised)

  const again = asked(codec, 'encode', () => plainJsonText(codec, codec.encode(comesBackAs)))
  if (again !== text) throw failure(codec, 'gives back something that encodes differently')
  return { codec, json, comesBackAs }
}

const mustBeObject = 'encodes it as a primitive; for plain objects, arrays, Maps, Sets and Errors it must be an object'
const notRecognised = 'gives back something that its own `is` does not recognise'

function plainJsonText(codec: CustomCodec, encoded: unknown): string {
  const text = JSON.stringify(encoded) as string | undefined
  if (text === undefined || !isDeepStrictEqual(parseJson(text), encoded)) {
    throw failure(codec, 'encodes it as something that is not plain JSON')
  }
  return text
}

/** superjson walks through these property by property, even when a codec has replaced them. */
function isWalkedBySuperjson(value: object): boolean {
  if (Array.isArray(value) || types.isMap(value) || types.isSet(value) || value instanceof Error) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function asked<Answer>(codec: CustomCodec, method: string, ask: () => Answer): Answer {
  try {
    return ask()
  } catch (error) {
    if (error instanceof CustomCodecFailure) throw error
    throw failure(codec, `failed in \`${method}\``, error)
  }
}

function failure(codec: CustomCodec, what: string, cause?: unknown): CustomCodecFailure {
  return new CustomCodecFailure(`is refused because the codec "${codec.name}" ${what}.`, { cause })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
