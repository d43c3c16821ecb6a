/** Explains why a value cannot be published: where it is, what is wrong with it and what to do about it. */

import { types } from 'node:util'

import { PostbusError } from '../errors.ts'
import { type Place, pathOf } from './place.ts'

export interface Refusal {
  /** The event being encoded: the prefix of the message. */
  what: string
  place: Place
  /** The rest of the sentence after the path: what the value is, why that matters, what to do. */
  because: string
  cause?: unknown
}

export function refuse({ what, place, because, cause }: Refusal): never {
  const options = cause === undefined ? {} : { cause }
  throw new PostbusError('POSTBUS_UNSERIALIZABLE', `${what}: \`${pathOf(place)}\` ${because}`, options)
}

export function tooLarge(what: string, size: string, maxBytes: number): PostbusError {
  const message = `${what}: the data takes ${size} bytes, but the limit is ${grouped(maxBytes)}.`
  const mend = 'Store the large part elsewhere and publish a reference to it, or raise `maxPayloadBytes`.'
  return new PostbusError('POSTBUS_TOO_LARGE', `${message} ${mend}`)
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** Why an object is not one of the kinds that come back equal. Reads no property that could run the caller's code. */
export function reasonAgainst(value: object): string {
  if (types.isProxy(value)) return 'is a Proxy, which can answer differently each time. Publish a plain copy of it.'
  if (Object.getPrototypeOf(value) === null) return withoutPrototype

  const name = classNameOf(value)
  if (types.isBoxedPrimitive(value)) return `is a ${name} object, which would lose its identity. Use the primitive.`
  if (types.isNativeError(value))
    return `is ${withArticle(name)}, which would come back as a plain Error. Publish its message, or register a codec.`
  return reasonsByName[name] ?? `is an instance of ${name}, which would lose its class. Register a codec.`
}

const withoutPrototype = 'has no prototype, and would come back with one. Publish a copy: { ...value }.'

const reasonsByName: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  Buffer: 'is a Buffer, which cannot be read back. Use a Uint8Array or register a codec.',
  DataView: 'is a DataView, which cannot be read back. Use a Uint8Array or register a codec.',
  ArrayBuffer: 'is an ArrayBuffer, which cannot be read back. Wrap it in a Uint8Array.',
  SharedArrayBuffer: 'is a SharedArrayBuffer, which cannot be read back. Copy it into a Uint8Array.',
  BigInt64Array: 'is a BigInt64Array, which cannot be read back. Use an array of bigints.',
  BigUint64Array: 'is a BigUint64Array, which cannot be read back. Use an array of bigints.',
  Float16Array: 'is a Float16Array, which cannot be read back. Use a Float32Array.',
  Promise: 'is a Promise, which cannot be stored. Await it first.',
  URLSearchParams: 'is a URLSearchParams, which cannot be read back. Publish its string.',
})

function classNameOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  if (typeof constructor !== 'function' || types.isProxy(constructor)) return 'an unnamed class'

  const name = Object.getOwnPropertyDescriptor(constructor, 'name')?.value as unknown
  return typeof name === 'string' && name !== '' ? name : 'an unnamed class'
}

function withArticle(name: string): string {
  return /^[aeiou]/i.test(name) ? `an ${name}` : `a ${name}`
}
