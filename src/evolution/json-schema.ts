/**
 * The JSON Schema of an event type's stored data: of what its schema returns, as that is what is stored. By zod, which can be told
 * what to do with Dates and the like, else by what the schema library offers as Standard JSON Schema.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { z } from 'zod'
import { isPlainObject } from '../realm.ts'

/** A JSON Schema: an object, or `true` for anything, or `false` for nothing. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** For what JSON has no name for and the codec stores all the same: a Date, a bigint, a Map, a Set. */
export const KIND = 'x-postbus-kind'

const KINDS: ReadonlySet<string> = new Set(['date', 'bigint', 'map', 'set', 'undefined', 'nan', 'file', 'symbol'])
/** Says nothing about what data fits. */
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

/** `null`: the schema library offers none, or not for this schema. The same data gives the same text: keys are sorted. */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | null {
  try {
    const made = isZod(schema) ? byZod(schema) : standardOf(schema, 'draft-2020-12')
    return made === null ? null : tidy(made)
  } catch {
    return null // what cannot be described is not compared
  }
}

/**
 * The same for people and their tools: with titles and descriptions, as draft 7, which most of them know. A Date is text in the form of
 * ISO 8601 there, and a bigint is text as well. `null`: the schema library offers none.
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
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props> // where the library offers it
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

/** A property may be named as a keyword is. */
function tidyValue(keyword: string, value: unknown): unknown {
  if (keyword === 'properties' || keyword === '$defs' || keyword === 'patternProperties') return tidy(value, true)
  if (keyword === 'required' && Array.isArray(value)) return value.map(String).toSorted(byText)
  if (keyword === 'enum' || keyword === 'const') return value
  return Array.isArray(value) ? value.map((one) => tidy(one)) : tidy(value)
}

/** By code units, as every machine does: a locale would sort in an order of its own. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
