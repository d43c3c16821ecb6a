/** Splits a JSON Schema into the alternatives that it allows: `string | null` has two. It reads only what distinguishes them. */
import { isPlainObject } from '../realm.ts'
import type { JsonSchema } from './json-schema.ts'
import { KIND } from './json-schema.ts'

type Keywords = { readonly [keyword: string]: unknown }

/** One alternative. All literals of one kind together are one alternative, with all their values. */
export interface Alternative {
  /** `string`, `object`, `date`, …; `anything` if the schema does not say. */
  readonly kind: string
  /** The only values that fit, as JSON. `null`: every value of the kind fits. */
  readonly values: readonly string[] | null
  readonly keywords: Keywords
}

/** `root`: the schema in which references are looked up. */
export function alternativesOf(schema: unknown, root: JsonSchema): readonly Alternative[] {
  return mergeLiterals(alternativesIn(schema, root, new Set()))
}

function alternativesIn(schema: unknown, root: JsonSchema, seen: ReadonlySet<unknown>): readonly Alternative[] {
  if (schema === false) return []
  if (!isKeywords(schema) || seen.has(schema)) return [anything({})]
  const within = new Set(seen).add(schema)
  const { $ref, anyOf, oneOf, type, not } = schema
  if (typeof $ref === 'string') return alternativesIn(referred($ref, root), root, within)
  const either: unknown = anyOf ?? oneOf
  if (Array.isArray(either)) return either.flatMap((one) => alternativesIn(one, root, within))
  if (isKeywords(not) && Object.keys(not).length === 0) return []
  if (Array.isArray(type)) return type.map((kind) => alternative(String(kind), schema))
  if (typeof type === 'string') return [alternative(type, schema)]
  if (typeof schema[KIND] === 'string') return [alternative(schema[KIND], schema)]
  const values = valuesIn(schema)
  if (!values) return [anything(schema)]
  return values.map((value) => ({ kind: kindOf(value), values: [JSON.stringify(value)], keywords: schema }))
}

function alternative(kind: string, keywords: Keywords): Alternative {
  const values = valuesIn(keywords)?.filter((value) => kindOf(value) === kind || kind === 'integer')
  return { kind, values: values?.map((value) => JSON.stringify(value)) ?? null, keywords }
}

function anything(keywords: Keywords): Alternative {
  return { kind: 'anything', values: null, keywords }
}

function valuesIn(schema: Keywords): readonly unknown[] | null {
  if ('const' in schema) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : null
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function mergeLiterals(all: readonly Alternative[]): readonly Alternative[] {
  const merged = new Map<string, Alternative>()
  const others: Alternative[] = []
  for (const one of all) {
    if (one.values === null) others.push(one)
    else merged.set(one.kind, { ...one, values: [...(merged.get(one.kind)?.values ?? []), ...one.values] })
  }
  return [...others, ...merged.values()]
}

function referred(reference: string, root: JsonSchema): unknown {
  const steps = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
  let found: unknown = root
  for (const step of steps) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    found = isKeywords(found) ? found[key] : undefined
  }
  return found
}

function isKeywords(value: unknown): value is Keywords {
  return isPlainObject(value)
}
