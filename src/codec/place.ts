/** The place of a value in the data, as a person reads it (`data.items[3].price`) and as superjson stores it. */

import { MAX_REFERENCE_STEPS } from './limits.ts'

/** One step from a value to a value inside it; the chain of `above` leads back to the data itself. */
export interface Place {
  readonly above: Place | undefined
  readonly is: 'data' | 'property' | 'element' | 'map key' | 'map value' | 'set element'
  /** The property's name, or the position in the array, Map or Set. */
  readonly key: string | number
  /** The key of a Map's value, to name it in messages. */
  readonly mapKey: unknown
  /** How many levels of stored JSON are around the value. */
  readonly depth: number
  /** Characters of the path that superjson writes for an annotation here. The path begins at the nearest annotated value above. */
  readonly prefix: number
  /** superjson cannot restore the identity of anything that is inside an Error. */
  readonly underError: boolean
}

export const theData: Place = {
  above: undefined,
  is: 'data',
  key: '',
  mapKey: undefined,
  depth: 0,
  prefix: 0,
  underError: false,
}

export function propertyOf(above: Place, key: string): Place {
  const prefix = above.prefix + key.length + 1
  const { underError } = above
  return { above, is: 'property', key, mapKey: undefined, depth: above.depth + 1, prefix, underError }
}

export function elementOf(above: Place, key: number): Place {
  const { underError } = above
  return { above, is: 'element', key, mapKey: undefined, depth: above.depth + 1, prefix: above.prefix + 2, underError }
}

export function setElementOf(above: Place, key: number): Place {
  const { underError } = above
  return { above, is: 'set element', key, mapKey: undefined, depth: above.depth + 1, prefix: 2, underError }
}

export function mapKeyOf(above: Place, key: number): Place {
  const { underError } = above
  return { above, is: 'map key', key, mapKey: undefined, depth: above.depth + 2, prefix: 4, underError }
}

export function mapValueOf(above: Place, key: number, mapKey: unknown): Place {
  const { underError } = above
  return { above, is: 'map value', key, mapKey, depth: above.depth + 2, prefix: 4, underError }
}

export function causeOf(above: Place): Place {
  const depth = above.depth + 1
  return { above, is: 'property', key: 'cause', mapKey: undefined, depth, prefix: 6, underError: true }
}

/** The path as it is written in JavaScript, shortened in the middle when it is too long to read. */
export function pathOf(place: Place): string {
  const path = chainOf(place).map(stepOf).join('')
  return path.length <= 400 ? path : `${path.slice(0, 250)} … ${path.slice(-100)}`
}

/** The path as superjson writes it: segments joined by dots, dots and backslashes escaped, `row.0` for a key of a Map. */
export function storedPathOf(place: Place): string {
  return chainOf(place).slice(1).map(storedStepOf).join('.')
}

/** How many entries of Maps and Sets superjson counts through to reach this place again. */
export function stepsTo(place: Place): number {
  const rows = chainOf(place).filter((step) => typeof step.key === 'number' && step.is !== 'element')
  return rows.reduce((steps, row) => steps + Number(row.key), 1)
}

export function tooManySteps(steps: number): boolean {
  return steps > MAX_REFERENCE_STEPS
}

function chainOf(place: Place): Place[] {
  const chain: Place[] = []
  for (let step: Place | undefined = place; step; step = step.above) chain.push(step)
  return chain.toReversed()
}

function stepOf({ is, key, mapKey }: Place): string {
  if (is === 'data') return 'data'
  if (is === 'property') return propertyStep(String(key))
  if (is === 'element') return `[${key}]`
  if (is === 'map key') return `.keys()[${key}]`
  return is === 'set element' || typeof mapKey === 'object' ? `.values()[${key}]` : `.get(${literal(mapKey)})`
}

function propertyStep(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function literal(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key)
  return typeof key === 'bigint' ? `${key}n` : String(key)
}

function storedStepOf(place: Place): string {
  if (place.is === 'map key') return `${place.key}.0`
  if (place.is === 'map value') return `${place.key}.1`
  return String(place.key).replaceAll('\\', '\\\\').replaceAll('.', '\\.')
}
