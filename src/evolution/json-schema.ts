/**
 * The JSON Schema of an event type's stored data, which is what the type's schema returns. For zod schemas, zod makes it, because
 * zod can be told how to describe Dates and similar values. For others, the library's Standard JSON Schema is used.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { z } from 'zod'
import { isPlainObject } from '../realm.ts'

/** A JSON Schema: an object, or `true` for anything, or `false` for nothing. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** The keyword for kinds of values that JSON Schema cannot name, but the codec can store: a Date, a bigint, a Map, a Set. */
export const KIND = 'x-postbus-kind'

const KINDS: ReadonlySet<string> = new Set(['date', 'bigint', 'map', 'set', 'undefined', 'nan', 'file', 'symbol'])
/** Keywords that do not restrict the data. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$comment',
  '~standard',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'id',
])

/**
 * Returns `null` if the library offers no JSON Schema, or not for this schema. Keys are sorted, so that the same schema
 * gives the same text.
 */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | null {
  try {
    const made = isZod(schema) ? byZod(schema) : standardOf(schema, 'draft-2020-12')
    return made === null ? null : tidy(made)
  } catch {
    return null // a schema that cannot be described is not compared
  }
}

/**
 * The same for people and their tools: with titles and descriptions, as draft 7, which most tools know. There a Date is text in ISO
 * 8601 form, and a bigint is text too. Returns `null` if the library offers no JSON Schema.
 */
export function describedSchemaOf(schema: StandardSchemaV1): JsonSchema | null {
  try {
    if (!isZod(schema)) return standardOf(schema, 'draft-07')
    return z.toJSONSchema(schema, {
      target: 'draft-7',
      io: 'output',
      unrepresentable: 'any',
      override({ zodSchema, jsonSchema }) {
        const kind = zodSchema._zod.def.type
        if (kind === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
        if (kind === 'bigint') Object.assign(jsonSchema, { type: 'string', pattern: '^-?\\d+$' })
        if (KINDS.has(kind)) Object.assign(jsonSchema, { [KIND]: kind })
      },
    })
  } catch {
    return null
  }
}

function isZod(schema: StandardSchemaV1): schema is StandardSchemaV1 & z.core.$ZodType {
  return schema['~standard'].vendor === 'zod' && '_zod' in schema
}

function byZod(schema: z.core.$ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const kind = zodSchema._zod.def.type
      if (KINDS.has(kind)) Object.assign(jsonSchema, { [KIND]: kind })
    },
  })
}

function standardOf(schema: StandardSchemaV1, target: 'draft-07' | 'draft-2020-12'): JsonSchema | null {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props> // if the library offers it
  return jsonSchema?.output({ target }) ?? null
}

function tidy(schema: unknown, isProperties = false): JsonSchema {
  if (!isPlainObject(schema)) return schema as JsonSchema
  const entries = Object.entries(schema)
    .filter(([keyword]) => isProperties || !ANNOTATIONS.has(keyword))
    .toSorted(([one], [other]) => byText(one, other))
    .map(([keyword, value]) => [keyword, isProperties ? tidy(value) : tidyValue(keyword, value)] as const)
  return Object.fromEntries(entries)
}

/** Does not treat names of properties as keywords, because a property may have the name of a keyword. */
function tidyValue(keyword: string, value: unknown): unknown {
  if (keyword === 'properties' || keyword === '$defs' || keyword === 'patternProperties') return tidy(value, true)
  if (keyword === 'required' && Array.isArray(value)) return value.map(String).toSorted(byText)
  if (keyword === 'enum' || keyword === 'const') return value
  return Array.isArray(value) ? value.map((one) => tidy(one)) : tidy(value)
}

/** Compares by code units, which gives the same order on every machine; the order of a locale would differ. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
