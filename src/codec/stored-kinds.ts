/** Checks that the JSON of each annotated kind has the form that we write, so that superjson restores exactly what was written. */

import type { Annotated } from './annotations.ts'
import { Corrupt } from './corrupt.ts'
import { MAX_BIGINT_DIGITS, MAX_REGEXP_LENGTH } from './limits.ts'

export function checkKind(json: unknown, annotated: Annotated, codecNames: ReadonlySet<string>): void {
  const { type, inner } = annotated
  if (inner && type !== 'map' && type !== 'set' && type !== 'Error') throw new Corrupt('a value has nothing inside it')
  if (Array.isArray(type)) return checkNamedKind(json, type, codecNames)

  const looksLikeIt = typeof type === 'string' ? kinds.get(type) : undefined
  if (!looksLikeIt) throw new Corrupt(`the annotation ${JSON.stringify(type)} is unknown`)
  if (!looksLikeIt(json, annotated)) throw new Corrupt(`a value is annotated as ${String(type)}, but is none`)
}

function checkNamedKind(json: unknown, type: readonly unknown[], codecNames: ReadonlySet<string>): void {
  const [kind, name] = type
  if (type.length !== 2 || typeof name !== 'string')
    throw new Corrupt(`the annotation ${JSON.stringify(type)} is unknown`)
  if (kind === 'custom' && !codecNames.has(name)) throw new Corrupt(`no codec "${name}" is registered`)
  if (kind === 'custom') return

  if (kind !== 'typed-array' || !typedArrays.has(name)) throw new Corrupt(`the kind ${JSON.stringify(type)} is unknown`)
  const isNumbers = Array.isArray(json) && json.every((element) => typeof element === 'number')
  if (!isNumbers) throw new Corrupt(`a value is annotated as ${name}, but is none`)
}

type LooksLikeIt = (json: unknown, annotated: Annotated) => boolean

const kinds: ReadonlyMap<string, LooksLikeIt> = new Map<string, LooksLikeIt>([
  ['undefined', (json) => json === null],
  ['number', (json) => json === 'NaN' || json === 'Infinity' || json === '-Infinity' || json === '-0'],
  ['bigint', isBigint],
  ['Date', isDate],
  ['URL', (json) => typeof json === 'string' && URL.canParse(json)],
  ['regexp', isRegExp],
  ['set', (json) => Array.isArray(json)],
  ['map', isMap],
  ['Error', isError],
])

const typedArrays: ReadonlySet<string> = new Set([
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
])

function isBigint(json: unknown): boolean {
  return typeof json === 'string' && json.length <= MAX_BIGINT_DIGITS + 1 && /^(?:0|-?[1-9]\d*)$/.test(json)
}

function isDate(json: unknown): boolean {
  if (typeof json !== 'string' || json.length > 30) return false
  const date = new Date(json)
  return !Number.isNaN(date.getTime()) && date.toISOString() === json
}

/** Postbus never matches the stored expression against a text. Which texts it is matched against is the handler's choice. */
function isRegExp(json: unknown): boolean {
  return typeof json === 'string' && json.length <= MAX_REGEXP_LENGTH + 10 && /^\/.+\/[a-z]*$/.test(json)
}

function isMap(json: unknown, { inner }: Annotated): boolean {
  const entriesAreAnnotated = inner !== undefined && [...inner.values()].some((entry) => entry.type !== undefined)
  return (
    !entriesAreAnnotated && Array.isArray(json) && json.every((entry) => Array.isArray(entry) && entry.length === 2)
  )
}

function isError(json: unknown, { inner }: Annotated): boolean {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false
  if (!('name' in json && typeof json.name === 'string')) return false
  if (!('message' in json && typeof json.message === 'string')) return false
  if (inner?.has('name') || inner?.has('message')) return false
  return Object.keys(json).every((key) => key === 'name' || key === 'message' || key === 'cause')
}
