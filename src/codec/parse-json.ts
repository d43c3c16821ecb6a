/**
 * `JSON.parse`, except that keys with escapes come out right.
 *
 * V8 12.8 to 14.6 (Node 24 and 26) decodes such a key wrongly once the process has seen a certain other key: after
 * `{ a: 1, '\\': 2 }`, the text `{"a":1,"\n":2}` is parsed to the keys `a` and `\`. See nodejs/node#63785. Values are
 * not affected, so escaped keys are parsed as values here, and stand-ins without escapes take their place meanwhile.
 */

import { randomUUID } from 'node:crypto'

import { Corrupt } from './corrupt.ts'
import { MAX_DEPTH } from './limits.ts'

/** The values that JSON can express by itself. */
export type PlainJson = string | number | boolean | null | PlainJson[] | { [key: string]: PlainJson }

/** Throws what `JSON.parse` throws; also `Corrupt` if a text with escaped keys is nested too deep. */
export function parseJson(text: string): PlainJson {
  const parsed: PlainJson = JSON.parse(text)
  return hasEscapedKey(text) ? parsedAgain(text) : parsed
}

/** Looks only at strings with escapes. The text is valid JSON: a backslash is always inside a string, and every string ends. */
function hasEscapedKey(text: string): boolean {
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', at)) {
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    at += 1
    while (isSpace(text[at])) at += 1
    if (text[at] === ':') return true
  }
  return false
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t'
}

function parsedAgain(text: string): PlainJson {
  const marker = randomUUID() // no text can contain it
  const standIns = new Map<string, string>()
  const withStandIns = text.replace(stringAndColon, (token: string, literal: string, colon?: string) => {
    if (colon === undefined || !literal.includes('\\')) return token
    const standIn = standIns.get(literal) ?? `"${marker}${standIns.size}"`
    standIns.set(literal, standIn)
    return standIn + colon
  })

  const keys = new Map([...standIns].map(([literal, standIn]) => [stringIn(standIn), stringIn(literal)]))
  return withKeys(JSON.parse(withStandIns), keys)
}

/** Each string of a JSON text, with the colon after it if it is a key. Not for invalid JSON: an unclosed string takes quadratic time. */
const stringAndColon = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/gs

function stringIn(literal: string): string {
  return String(JSON.parse(literal))
}

function withKeys(json: PlainJson, keys: ReadonlyMap<string, string>, depth = 0): PlainJson {
  if (typeof json !== 'object' || json === null) return json
  if (depth > MAX_PARSED_DEPTH) throw new Corrupt('it is nested too deep')
  if (Array.isArray(json)) return json.map((element) => withKeys(element, keys, depth + 1))
  const entries = Object.entries(json)
  return Object.fromEntries(entries.map(([key, value]) => [keys.get(key) ?? key, withKeys(value, keys, depth + 1)]))
}

/** Annotations take up to two levels of JSON for each level of the data, and begin three levels deep in the document. */
const MAX_PARSED_DEPTH = 2 * MAX_DEPTH + 3
