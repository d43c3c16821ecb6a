/** The schema changes, at the same version, that stored events and older workers can handle, and changes that they cannot. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jsonSchemaOf, type JsonSchema } from '../../../src/evolution/json-schema.ts'
import { schemaChanges } from '../../../src/evolution/schema-changes.ts'

const id = z.string()
const member = (kind: string) => z.object({ kind: z.literal(kind), id })
interface Tree {
  name: string
  children: Tree[]
}
function tree(name: z.ZodType<string>): z.ZodType<Tree> {
  const node: z.ZodType<Tree> = z.object({
    name,
    get children(): z.ZodType<Tree[]> {
      return z.array(node)
    },
  })
  return node
}

describe('breaks', () => {
  test.each<readonly [string, z.ZodType, z.ZodType, string]>([
    ['a required field added', z.object({ id }), z.object({ id, total: z.number() }), 'total is new and required'],
    [
      'one with a default, as stored events lack it',
      z.object({ id }),
      z.object({ id, total: z.number().default(0) }),
      'total is new and required',
    ],
    ['a field removed', z.object({ id, total: z.number() }), z.object({ id }), 'total is gone'],
    ['a field of another type', z.object({ id }), z.object({ id: z.number() }), 'id was string, is number now'],
    ['text that becomes a Date', z.object({ id }), z.object({ id: z.date() }), 'id was string, is date now'],
    ['a field that becomes optional', z.object({ id }), z.object({ id: id.optional() }), 'id is optional now'],
    ['a field that becomes required', z.object({ id: id.optional() }), z.object({ id }), 'id is required now'],
    ['a field that may be null', z.object({ id }), z.object({ id: id.nullable() }), 'id can be null now'],
    [
      'a field that may not be null any more',
      z.object({ id: id.nullable() }),
      z.object({ id }),
      'can no longer be null',
    ],
    ['an enum member removed', z.enum(['a', 'b']), z.enum(['a']), ' can no longer be "b"'],
    ['text that becomes an enum', z.string(), z.enum(['a']), ' allowed every string, allows only "a" now'],
    ['a limit that narrows', z.string().min(1), z.string().min(2), ' minLength is 2 now, was 1'],
    ['a form that is required', z.string(), z.string().regex(/^a/), ' pattern is "^a" now'],
    ['a number that becomes whole', z.number(), z.int(), ' was number, is integer now'],
    ['anything that becomes something', z.unknown(), z.string(), ' was anything, is string now'],
    ['inside a list', z.array(z.object({ id })), z.array(z.object({})), '[].id is gone'],
    ['inside a record', z.record(id, z.string()), z.record(id, z.number()), '* was string'],
    ['inside a tuple', z.tuple([z.string()]), z.tuple([z.number()]), '[0] was string'],
    ['a longer tuple', z.tuple([z.string()]), z.tuple([z.string(), z.string()]), ' had 1 places, has 2 now'],
    [
      'a member of a union removed',
      z.discriminatedUnion('kind', [member('a'), member('b')]),
      z.discriminatedUnion('kind', [member('a'), z.object({ kind: z.literal('c') })]),
      'kind can no longer be "b"',
    ],
    ['deep in what contains itself', tree(z.string()), tree(z.string().max(3)), 'name maxLength is 3 now'],
  ])('%s', (_, before, now, expected) => {
    const changes = changesOf(before, now).filter(({ breaks }) => breaks)

    expect(changes.map(({ at, what }) => `${at} ${what}`).join('\n')).toContain(expected)
  })
})

describe('fits', () => {
  test.each<readonly [string, z.ZodType, z.ZodType]>([
    ['nothing changed', z.object({ id, at: z.date() }), z.object({ at: z.date(), id })],
    ['a description', z.object({ id }), z.object({ id: id.describe('of the order') })],
    ['an optional field added', z.object({ id }), z.object({ id, note: z.string().optional() })],
    ['an optional field removed', z.object({ id, note: z.string().optional() }), z.object({ id })],
    ['an enum member added', z.enum(['a']), z.enum(['a', 'b'])],
    ['an enum that becomes text', z.enum(['a']), z.string()],
    ['a limit that widens', z.string().min(2).max(3), z.string().min(1).max(4)],
    ['a whole number that may have a fraction', z.int(), z.number()],
    [
      'a member of a union added',
      z.discriminatedUnion('kind', [member('a'), member('b')]),
      z.discriminatedUnion('kind', [member('a'), member('b'), member('c')]),
    ],
    ['what contains itself', tree(z.string()), tree(z.string())],
    [
      'a check of what comes in, which is not stored',
      z.string().transform(Number),
      z.coerce.string().transform(Number),
    ],
  ])('%s', (_, before, now) => {
    expect(changesOf(before, now).filter(({ breaks }) => breaks)).toEqual([])
  })
})

test('a schema library without JSON Schema gives none, and one with Standard JSON Schema gives its own', () => {
  const props = { version: 1 as const, vendor: 'another', validate: (value: unknown) => ({ value }) }
  const offering = { ...props, jsonSchema: { output: () => ({ type: 'string', title: 'Name' }) } }

  expect(jsonSchemaOf({ '~standard': props })).toBe(null)
  expect(jsonSchemaOf({ '~standard': offering })).toEqual({ type: 'string' })
})

function changesOf(before: z.ZodType, now: z.ZodType) {
  return schemaChanges(jsonSchemaOf(before) as JsonSchema, jsonSchemaOf(now) as JsonSchema)
}
