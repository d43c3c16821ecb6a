/** Opens the text of a stored document, and checks it so closely that superjson can be trusted with what is left. */

import { type Annotated, readAnnotations } from './annotations.ts'
import { Corrupt } from './corrupt.ts'
import { MAX_DEPTH, MAX_DOCUMENT_BYTES, isDangerousKey } from './limits.ts'
import { parseJson } from './parse-json.ts'
import { checkKind } from './stored-kinds.ts'
import { checkReferences } from './stored-references.ts'

export interface StoredDocument {
  json: unknown
  meta: object | undefined
}

export function readDocument(text: unknown, codecNames: ReadonlySet<string>): StoredDocument {
  if (typeof text !== 'string') throw new Corrupt('it is not a text')
  if (text.length > MAX_DOCUMENT_BYTES) throw new Corrupt('it is too large')

  const document = asObject(parsed(text), ['json', 'meta'])
  if (!('json' in document)) throw new Corrupt('it has no "json"')
  const meta = document['meta'] === undefined ? undefined : asObject(document['meta'], knownMeta)
  if (meta && meta['v'] !== 1) throw new Corrupt('its annotations are of an unknown version')

  const json = document['json']
  const annotated = readAnnotations(meta?.['values'])
  checkValue(json, annotated, { depth: 0, codecNames })
  checkReferences(meta?.['referentialEqualities'], { json, annotated })
  return { json, meta }
}

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
  if (around.depth >= MAX_DEPTH) throw new Corrupt(`it is more than ${MAX_DEPTH} levels deep`)

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
    if (isDangerousKey(key)) throw new Corrupt(`it has the key "${key}"`)
    const inner = annotated?.inner?.get(key)
    if (inner) found += 1
    checkValue(value, inner, around)
  }
  return found
}

function refuseStray(annotated: Annotated | undefined, found: number): void {
  if ((annotated?.inner?.size ?? 0) !== found) throw new Corrupt('an annotation leads nowhere')
}
