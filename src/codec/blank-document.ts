/** Erases the data of a stored document: only the names of its fields and the lengths of its lists stay. */
import { parseJson, type PlainJson } from './parse-json.ts'

const NOTHING = '{"json":null}'

/**
 * A string becomes `''`, a number 0, a boolean false. A value that JSON has no type for, such as a date, is blanked in its stored
 * form: that is mostly a string, so it becomes `''`. A document that cannot be read becomes one that holds `null`.
 */
export function blankDocument(stored: string): string {
  try {
    const document = parseJson(stored)
    if (typeof document !== 'object' || document === null || Array.isArray(document)) return NOTHING
    return JSON.stringify({ json: blank(document['json'] ?? null) })
  } catch {
    return NOTHING // it held nothing that a handler could have read
  }
}

function blank(value: PlainJson): PlainJson {
  if (Array.isArray(value)) return value.map(blank)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, blank(one)]))
  }
  if (typeof value === 'string') return ''
  return typeof value === 'number' ? 0 : typeof value === 'boolean' ? false : null
}
