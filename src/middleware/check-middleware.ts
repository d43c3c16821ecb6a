/** Checks the `middleware` of `createBus`, so that problems are reported there and not at the first publish. */
import { inspect } from 'node:util'
import { isPlainObject } from '../realm.ts'

const FIELDS = ['name', 'publish', 'handle', 'handleBatch']

/** Returns the problems of the list, one sentence each. */
export function problemsOf(middleware: readonly unknown[]): readonly string[] {
  const problems = middleware.flatMap((one, place) => problemsOfOne(one).map((problem) => `[${place}]: ${problem}`))
  const names = middleware.flatMap((one) => (isObject(one) && typeof one['name'] === 'string' ? [one['name']] : []))
  const twice = names.find((name, place) => names.indexOf(name) < place)
  if (twice !== undefined) problems.push(`two are named "${twice}": each runs once, so give each a name of its own.`)
  if (twice === undefined && new Set(middleware).size < middleware.length)
    problems.push('one stands in the list twice.')
  return problems
}

function problemsOfOne(one: unknown): readonly string[] {
  if (!isObject(one)) return [`expected { publish, handle }, but got ${inspect(one, { depth: 0 })}.`]
  const { name, publish, handle, handleBatch } = one
  const stranger = isPlainObject(one) ? Object.keys(one).find((field) => !FIELDS.includes(field)) : undefined
  return [
    ...(stranger === undefined ? [] : [`"${stranger}" is none of ${FIELDS.join(', ')}.`]),
    ...(name === undefined || (typeof name === 'string' && name !== '') ? [] : ['expected `name` to be text.']),
    ...(isHook(publish) ? [] : ['expected `publish` to be a function.']),
    ...(isHook(handle) ? [] : ['expected `handle` to be a function.']),
    ...(isHook(handleBatch) ? [] : ['expected `handleBatch` to be a function.']),
    ...((publish ?? handle ?? handleBatch) === undefined
      ? ['expected `publish`, `handle`, `handleBatch`, or several.']
      : []),
  ]
}

function isHook(value: unknown): boolean {
  return value === undefined || typeof value === 'function'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
