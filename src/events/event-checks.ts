/** Checks the fields around an event's data before any SQL: Postgres can store what passes these checks. */
import { types } from 'node:util'
import type { EventMetadata } from './envelope.ts'
import { PostbusError } from '../errors.ts'
import { isPlainObject } from '../realm.ts'

const MAX_KEY_BYTES = 512
const MAX_TEXT_BYTES = 512
const MAX_METADATA_BYTES = 16_384

/** A partition key is non-empty text that Postgres can index: well formed, without NUL, at most 512 bytes. */
export function checkPartitionKey(type: string, key: unknown): string | null {
  if (key === null) return null
  if (typeof key !== 'string') {
    throw invalid(type, `partitionKey returned ${describe(key)}: expected a string, or null for "no order needed".`)
  }
  if (key === '') throw invalid(type, 'partitionKey returned "": expected text, or null for "no order needed".')
  checkStorable(type, 'the partition key', key, MAX_KEY_BYTES)
  return key
}

/** An optional text field of the envelope. */
export function checkText(type: string, field: string, text: unknown): void {
  if (text === undefined) return
  if (typeof text !== 'string' || text === '') throw invalid(type, `\`${field}\` is ${describe(text)}: expected text.`)
  checkStorable(type, `\`${field}\``, text, MAX_TEXT_BYTES)
}

/** Metadata is stored as plain JSON: values that JSON would drop or change are refused. */
export function checkMetadata(type: string, metadata: unknown): EventMetadata {
  if (!isPlainObject(metadata)) throw invalid(type, `\`metadata\` is ${describe(metadata)}: expected an object.`)
  const copy = copyJson(type, 'metadata', metadata, 0) as EventMetadata
  const bytes = Buffer.byteLength(JSON.stringify(copy))
  if (bytes > MAX_METADATA_BYTES) {
    throw invalid(type, `\`metadata\` has ${bytes} bytes: expected at most ${MAX_METADATA_BYTES}.`)
  }
  return copy
}

function copyJson(type: string, path: string, value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return checkStorable(type, `\`${path}\``, value, MAX_METADATA_BYTES)
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0 // JSON has no -0
  if (depth > 20) throw invalid(type, `\`${path}\` is nested too deeply.`)
  if (Array.isArray(value)) {
    return Object.freeze(Array.from(value, (item, index) => copyJson(type, `${path}[${index}]`, item, depth + 1)))
  }
  if (!isPlainObject(value)) {
    throw invalid(
      type,
      `\`${path}\` is ${describe(value)}: expected JSON (text, number, boolean, null, array, object).`,
    )
  }
  const entries = Object.entries(value).map(([key, item]) => {
    checkStorable(type, `a key of \`${path}\``, key, MAX_TEXT_BYTES)
    return [key, copyJson(type, `${path}.${key}`, item, depth + 1)] as const
  })
  return Object.freeze(Object.fromEntries(entries))
}

function checkStorable(type: string, what: string, text: string, maxBytes: number): string {
  if (text.includes('\u0000')) throw invalid(type, `${what} contains NUL, which Postgres cannot store in text.`)
  if (!text.isWellFormed()) throw invalid(type, `${what} contains half of a surrogate pair: expected well-formed text.`)
  const bytes = Buffer.byteLength(text)
  if (bytes > maxBytes) throw invalid(type, `${what} has ${bytes} bytes: expected at most ${maxBytes}.`)
  return text
}

/** Years outside of 1 to 9999 are written in a form that Postgres cannot read: that would abort the caller's transaction. */
export function isStorableDate(date: unknown): boolean {
  return types.isDate(date) && date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9_999
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return `a ${value.constructor?.name ?? 'object'}`
  return typeof value === 'string' ? JSON.stringify(value) : typeof value
}

function invalid(type: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_EVENT', `${type}: ${problem}`)
}
