/**
 * Finds the effects of a changed schema of an event type whose version stays the same. Stored data is not checked again, so data
 * must fit in both directions:
 *
 * - stored events must fit this code: it must find every field that it expects, of a kind that it expects;
 * - events of this code must fit older workers: fields that they read must still exist, of a kind that they know.
 *
 * These changes fit in both directions: an added or removed optional field, a wider limit. A new member of an enum or of a union of
 * objects is also accepted: code that handles cases must handle an unknown case too.
 */
import { alternativesOf, type Alternative } from './alternatives.ts'
import { narrowedLimits } from './constraints.ts'
import type { JsonSchema } from './json-schema.ts'
import { isPlainObject } from '../realm.ts'

export interface SchemaChange {
  /** Whether stored events or older workers would not survive it. */
  readonly breaks: boolean
  /** The path of the changed field, such as `lines.*.sku`; '' for the data itself. */
  readonly at: string
  readonly what: string
}

interface Compared {
  readonly before: JsonSchema
  readonly now: JsonSchema
  /** Pairs of schemas that are already being compared further up, because a schema may contain itself. */
  readonly within: readonly (readonly [unknown, unknown])[]
}

export function schemaChanges(before: JsonSchema, now: JsonSchema): readonly SchemaChange[] {
  return changesAt('', [before, now], { before, now, within: [] })
}

type Pair<Value> = readonly [before: Value, now: Value]

function changesAt(at: string, [before, now]: Pair<unknown>, compared: Compared): readonly SchemaChange[] {
  if (compared.within.some(([one, other]) => one === before && other === now)) return []
  const deeper = { ...compared, within: [...compared.within, [before, now] as const] }
  const were = alternativesOf(before, compared.before)
  const are = alternativesOf(now, compared.now)
  if (were.length === 1 && are.length === 1) return ofPair(at, [were[0] as Alternative, are[0] as Alternative], deeper)
  return [
    ...were.flatMap((was) => lost(at, [was, are], deeper)),
    ...are.flatMap((is) => gained(at, [were, is], deeper)),
  ]
}

/** Finds what became of one of several previous alternatives. */
function lost(
  at: string,
  [was, are]: readonly [Alternative, readonly Alternative[]],
  compared: Compared,
): readonly SchemaChange[] {
  const tried = are.filter((is) => is.kind === was.kind).map((is) => ofPair(at, [was, is], compared))
  const best = tried.toSorted((one, other) => breaking(one) - breaking(other))[0]
  return best ?? [breaks(at, `can no longer be ${inWords(was)}: stored events may have it`)]
}

/** Checks one of several present alternatives: it may be new. */
function gained(
  at: string,
  [were, is]: readonly [readonly Alternative[], Alternative],
  compared: Compared,
): readonly SchemaChange[] {
  const alike = were.filter((was) => was.kind === is.kind)
  if (alike.length === 0) return [breaks(at, `can be ${inWords(is)} now: older workers do not know that`)]
  const isOneOfThem = alike.some((was) => breaking(ofPair(at, [was, is], compared)) === 0)
  return isOneOfThem || is.kind !== 'object' ? [] : [fits(at, 'has a new member')]
}

function ofPair(at: string, [was, is]: Pair<Alternative>, compared: Compared): readonly SchemaChange[] {
  if (was.kind !== is.kind) return [ofKinds(at, was, is)]
  const limits = narrowedLimits(was, is).map((what) => breaks(at, `${what}: stored events may not fit`))
  return [
    ...ofValues(at, was, is),
    ...limits,
    ...ofFields(at, [was, is], compared),
    ...ofItems(at, [was, is], compared),
  ]
}

function ofKinds(at: string, was: Alternative, is: Alternative): SchemaChange {
  if (was.kind === 'integer' && is.kind === 'number') return fits(at, 'may have a fraction now')
  return breaks(at, `was ${inWords(was)}, is ${inWords(is)} now`)
}

function ofValues(at: string, was: Alternative, is: Alternative): readonly SchemaChange[] {
  if (was.values === null && is.values === null) return []
  if (is.values === null) return [fits(at, `allows every ${is.kind} now`)]
  if (was.values === null) return [breaks(at, `allowed every ${was.kind}, allows only ${is.values.join(', ')} now`)]
  const gone = was.values.filter((value) => !is.values?.includes(value))
  const come = is.values.filter((value) => !was.values?.includes(value))
  return [
    ...gone.map((value) => breaks(at, `can no longer be ${value}: stored events may have it`)),
    ...come.map((value) => fits(at, `can be ${value} now`)),
  ]
}

function ofFields(at: string, [was, is]: Pair<Alternative>, compared: Compared): readonly SchemaChange[] {
  if (is.kind !== 'object') return []
  const [before, now] = [fieldsOf(was), fieldsOf(is)]
  const names = [...new Set([...Object.keys(before.all), ...Object.keys(now.all)])].toSorted()
  const changes = names.flatMap((name) => {
    const place = at === '' ? name : `${at}.${name}`
    const [had, has] = [Object.hasOwn(before.all, name), Object.hasOwn(now.all, name)]
    const [needed, needs] = [before.required.has(name), now.required.has(name)]
    if (!had) return [needs ? breaks(place, 'is new and required: stored events lack it') : fits(place, 'is new')]
    if (!has) return [needed ? breaks(place, 'is gone: older workers expect it') : fits(place, 'is gone')]
    const inside = changesAt(place, [before.all[name], now.all[name]], compared)
    if (!needed && needs) return [breaks(place, 'is required now: stored events may lack it'), ...inside]
    if (needed && !needs) return [breaks(place, 'is optional now: older workers expect it'), ...inside]
    return inside
  })
  return [...changes, ...ofOtherFields(at, [before.others, now.others], compared)]
}

/** Compares the fields of records, which may have any name. */
function ofOtherFields(at: string, [before, now]: Pair<unknown>, compared: Compared): readonly SchemaChange[] {
  const place = at === '' ? '*' : `${at}.*`
  if (saysSomething(before) && saysSomething(now)) return changesAt(place, [before, now], compared)
  if (saysSomething(before) && now === false) return [breaks(place, 'is gone: stored events may have it')]
  return saysSomething(now) && !saysSomething(before)
    ? [breaks(place, 'is of one kind now: stored events may not fit')]
    : []
}

function ofItems(at: string, [was, is]: Pair<Alternative>, compared: Compared): readonly SchemaChange[] {
  if (is.kind !== 'array') return []
  const [before, now] = [listOf(was.keywords['prefixItems']), listOf(is.keywords['prefixItems'])]
  if (before.length !== now.length) return [breaks(at, `had ${before.length} places, has ${now.length} now`)]
  const places = before.flatMap((item, index) => changesAt(`${at}[${index}]`, [item, now[index]], compared))
  const items = [was.keywords['items'] ?? true, is.keywords['items'] ?? true] as const
  return [...places, ...(items[0] === false && items[1] === false ? [] : changesAt(`${at}[]`, items, compared))]
}

function fieldsOf({ keywords }: Alternative) {
  const { properties, required, additionalProperties } = keywords
  return {
    all: isPlainObject(properties) ? (properties as Readonly<Record<string, unknown>>) : {},
    required: new Set(listOf(required)),
    others: additionalProperties,
  }
}

function saysSomething(schema: unknown): boolean {
  return isPlainObject(schema) && Object.keys(schema).length > 0
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function inWords({ kind, values }: Alternative): string {
  return values ? values.join(' or ') : kind
}

function breaking(changes: readonly SchemaChange[]): number {
  return changes.filter((change) => change.breaks).length
}

function breaks(at: string, what: string): SchemaChange {
  return { breaks: true, at, what }
}

function fits(at: string, what: string): SchemaChange {
  return { breaks: false, at, what }
}
