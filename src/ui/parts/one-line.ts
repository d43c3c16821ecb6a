/** Writes a value as one short line, for a table. Reads no more of the value than it shows, because data may be a megabyte. */
import { types } from 'node:util'

/** At most this many characters of a text and this many elements of a list are read. */
const MOST = 200

export function oneLine(value: unknown, most = 120): string {
  const text = written(value, most)
  return text.length > most ? `${text.slice(0, most - 1).toWellFormed()}…` : text
}

function written(value: unknown, room: number): string {
  if (room <= 0) return '…'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MOST))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (types.isDate(value)) return Number.isNaN(+value) ? 'Invalid Date' : value.toISOString()
  if (types.isRegExp(value)) return String(value)
  if (types.isNativeError(value)) return `${value.name}: ${value.message.slice(0, MOST)}`
  if (value instanceof URL) return value.href
  if (types.isTypedArray(value)) return `${value[Symbol.toStringTag]}(${value.length})`
  if (types.isMap(value)) return `Map(${value.size}) {${inside(pairs(value), room)}}`
  if (types.isSet(value)) return `Set(${value.size}) {${inside(elements(value), room)}}`
  if (Array.isArray(value)) return `[${inside(elements(value), room)}]`
  return `{${inside(fields(value), room)}}`
}

function inside(parts: Iterable<readonly [before: string, value: unknown]>, room: number): string {
  const shown: string[] = []
  let length = 0
  for (const [before, value] of parts) {
    if (length > room || shown.length >= MOST) return [...shown, '…'].join(', ')
    const text = `${before}${written(value, room - length)}`
    shown.push(text)
    length += text.length
  }
  return shown.join(', ')
}

function* elements(values: Iterable<unknown>): Iterable<readonly [string, unknown]> {
  for (const value of values) yield ['', value]
}

function* pairs(map: ReadonlyMap<unknown, unknown>): Iterable<readonly [string, unknown]> {
  for (const [key, value] of map) yield [`${oneLine(key, 40)} => `, value]
}

function* fields(object: object): Iterable<readonly [string, unknown]> {
  for (const key in object) {
    if (Object.hasOwn(object, key)) yield [`${key.slice(0, MOST)}: `, Reflect.get(object, key)]
  }
}
