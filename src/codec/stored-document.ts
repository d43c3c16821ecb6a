/** Opens the text of a stored document, and refuses everything that superjson could not restore safely. */

import { type Annotated, readAnnotations } from './annotations.ts'
import { Corrupt } from './corrupt.ts'
import { MAX_DEPTH, MAX_DOCUMENT_BYTES, isDangerousKey } from './limits.ts'
import { parseJson } from './parse-json.ts'
import { checkKind } from './stored-kinds.ts'
import { checkReferences } from './stored-references.ts'

export interface StoredDocument {
  json: unknown
  meta: object | undefined
  /** Present if SQL published the event: then `json` is the input of the schema, not its output. */
  unparsed?: true
}

export function readDocument(text: unknown, codecNames: ReadonlySet<string>): StoredDocument {
  if (typeof text !== 'string') throw new Corrupt('it is not a text')
  // For a larger text the database returns an empty one.
  if (text === '' || text.length > MAX_DOCUMENT_BYTES) throw new Corrupt('it is too large')

  const document = asObject(parsed(text), knownParts)
  if (!('json' in document)) throw new Corrupt('it has no "json"')
  if ('unparsed' in document) return unparsedDocument(document)
  if (!('meta' in document)) return plainDocument(document['json'])
  const meta = document['meta'] === undefined ? undefined : asObject(document['meta'], knownMeta)
  if (meta && meta['v'] !== 1) throw new Corrupt('its annotations are of an unknown version')

  const json = document['json']
  const annotated = readAnnotations(meta?.['values'])
  checkValue(json, annotated, { depth: 0, codecNames })
  checkReferences(meta?.['referentialEqualities'], { json, annotated })
  return { json, meta }
}

/** Most events hold nothing but JSON. Without annotations there is less to check, which takes a quarter of the time. */
function plainDocument(json: unknown): StoredDocument {
  if (isNested(json)) checkPlain(json, 0)
  return { json, meta: undefined }
}

function checkPlain(json: Nested, depth: number): void {
  if (depth >= MAX_DEPTH) throw tooDeep()
  if (Array.isArray(json)) {
    for (const element of json) if (isNested(element)) checkPlain(element, depth + 1)
    return
  }
  for (const key in json) {
    if (isDangerousKey(key)) throw dangerous(key)
    const value = json[key]
    if (isNested(value)) checkPlain(value, depth + 1)
  }
}

/** A document that `publish_event` wrote: JSON without annotations. */
function unparsedDocument(document: Record<string, unknown>): StoredDocument {
  if (document['unparsed'] !== true || 'meta' in document) throw new Corrupt('it is and is not unparsed')
  return { ...plainDocument(document['json']), unparsed: true }
}

/** An array or an object that `JSON.parse` made, so all its keys are its own. */
type Nested = unknown[] | { readonly [key: string]: unknown }

function isNested(json: unknown): json is Nested {
  return typeof json === 'object' && json !== null
}

const knownParts = ['json', 'meta', 'unparsed']
const knownMeta = ['values', 'referentialEqualities', 'v']

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    throw new Corrupt('it is not JSON') // the parser's own message would quote the data
  }
}

function asObject(value: unknown, known: readonly string[]): Record<string, unknown> {
  if (!isObject(value)) throw new Corrupt('it is not an object')
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new Corrupt(`it has an unknown part, "${unknown.slice(0, 50)}"`)
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface Around {
  depth: number
  codecNames: ReadonlySet<string>
}

function checkValue(json: unknown, annotated: Annotated | undefined, around: Around): void {
  if (annotated?.type !== undefined) checkKind(json, annotated, around.codecNames)
  if (typeof json !== 'object' || json === null) return refuseStray(annotated, 0)
  if (around.depth >= MAX_DEPTH) throw tooDeep()

  const inside = { depth: around.depth + 1, codecNames: around.codecNames }
  const found = Array.isArray(json) ? checkElements(json, annotated, inside) : checkProperties(json, annotated, inside)
  refuseStray(annotated, found)
}

function checkElements(json: readonly unknown[], annotated: Annotated | undefined, around: Around): number {
  let found = 0
  for (let index = 0; index < json.length; index += 1) {
    const inner = annotated?.inner?.get(String(index))
    if (inner) found += 1
    checkValue(json[index], inner, around)
  }
  return found
}

function checkProperties(json: object, annotated: Annotated | undefined, around: Around): number {
  let found = 0
  for (const [key, value] of Object.entries(json)) {
    if (isDangerousKey(key)) throw dangerous(key)
    const inner = annotated?.inner?.get(key)
    if (inner) found += 1
    checkValue(value, inner, around)
  }
  return found
}

function refuseStray(annotated: Annotated | undefined, found: number): void {
  if ((annotated?.inner?.size ?? 0) !== found) throw new Corrupt('an annotation leads nowhere')
}

function tooDeep(): Corrupt {
  return new Corrupt(`it is more than ${MAX_DEPTH} levels deep`)
}

function dangerous(key: string): Corrupt {
  return new Corrupt(`it has the key "${key}"`)
}
