/** Checks `meta.referentialEqualities` of a stored document: which of its places hold the same object. Stored data is input. */

import { type Annotated, readPath } from './annotations.ts'
import { Corrupt } from './corrupt.ts'
import { MAX_REFERENCE_STEPS } from './limits.ts'

/** The document that the paths lead through. */
export interface Stored {
  json: unknown
  annotated: Annotated | undefined
}

/** A path and the slots that it passes. The last slot is the place that the path leads to. */
interface Followed {
  path: string
  slots: Slot[]
  steps: number
  /** True for a Map key or a Set element: superjson cannot replace those. */
  fixed: boolean
}

interface Slot {
  container: object
  key: string
}

export function checkReferences(equalities: unknown, stored: Stored): void {
  if (equalities === undefined) return
  const { ofData, others } = readEqualities(equalities)
  const read = Object.keys(others).map((path) => follow(path, stored))
  const written = [...ofData, ...Object.values(others).flat()].map((path) => follow(path, stored))

  const steps = [...read, ...written].reduce((sum, followed) => sum + followed.steps, 0)
  if (steps > MAX_REFERENCE_STEPS) throw new Corrupt('its references take too long to restore')
  refuseOverlaps(read, written)
}

function readEqualities(equalities: unknown): { ofData: string[]; others: Record<string, string[]> } {
  if (!Array.isArray(equalities)) return { ofData: [], others: pathsByPath(equalities) }
  if (equalities.length < 1 || equalities.length > 2) throw new Corrupt('its references have the wrong length')
  return { ofData: paths(equalities[0]), others: equalities.length === 2 ? pathsByPath(equalities[1]) : {} }
}

function pathsByPath(equalities: unknown): Record<string, string[]> {
  if (typeof equalities !== 'object' || equalities === null) throw new Corrupt('its references have no paths')
  return Object.fromEntries(Object.entries(equalities).map(([path, others]) => [path, paths(others)]))
}

function paths(list: unknown): string[] {
  if (!Array.isArray(list)) throw new Corrupt('its references are not lists')
  return list.map((path: unknown) => {
    if (typeof path !== 'string') throw new Corrupt('a reference is not a path')
    return path
  })
}

/** Each segment of a path is one step in the JSON, also through a Map, because its JSON is an array of entries. */
function follow(path: string, { json, annotated }: Stored): Followed {
  const followed: Followed = { path, slots: [], steps: 1, fixed: false }
  let mapAbove = false
  for (const key of readPath(path)) {
    const type = annotated?.type
    if (!isContainer(json) || !canPass(type) || !hasKey(json, key)) throw leadsNowhere(path)

    followed.slots.push({ container: json, key })
    followed.steps += type === 'map' || type === 'set' ? Number(key) : 0
    followed.fixed = type === 'set' || (mapAbove && key === '0')
    mapAbove = type === 'map'
    json = json[key]
    annotated = annotated?.inner?.get(key)
  }
  if (mapAbove) throw leadsNowhere(path)
  return followed
}

function leadsNowhere(path: string): Corrupt {
  return new Corrupt(`the reference "${path}" leads nowhere`)
}

function isContainer(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null
}

function canPass(type: unknown): boolean {
  return type === undefined || type === 'map' || type === 'set'
}

function hasKey(container: object, key: string): boolean {
  return Object.hasOwn(container, key) && !(Array.isArray(container) && key === 'length')
}

/** superjson replaces the value at each written path. No other path may pass a replaced slot, or its target would be lost. */
function refuseOverlaps(read: readonly Followed[], written: readonly Followed[]): void {
  const replaced = new Map<object, Set<string>>()
  for (const { path, slots, fixed } of written) {
    const { container, key } = lastOf(slots)
    const keys = replaced.get(container) ?? new Set()
    if (fixed || keys.has(key)) throw new Corrupt(`the reference "${path}" cannot be restored`)
    replaced.set(container, keys.add(key))
  }

  const passed = [...read.flatMap(({ slots }) => slots), ...written.flatMap(({ slots }) => slots.slice(0, -1))]
  const overlaps = passed.some(({ container, key }) => replaced.get(container)?.has(key))
  if (overlaps) throw new Corrupt('its references contradict each other')
}

function lastOf(slots: readonly Slot[]): Slot {
  const last = slots.at(-1)
  if (!last) throw new Corrupt('a reference has no path')
  return last
}
