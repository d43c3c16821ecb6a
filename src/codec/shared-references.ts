/**
 * One object in several places, cycles included, comes back as one object, where superjson can restore that.
 *
 * superjson writes a full copy at each place, and a list of the places that hold the same object. We make this list
 * ourselves, for two reasons. superjson's own list also names equal bigints and NaNs; restoring those loses entries of Maps
 * and the order of Sets. And it begins with the shortest path, which may lead through a copy: then the restored places do
 * not hold the same object.
 */

import { MAX_PATH_LENGTH } from './limits.ts'
import { type Place, pathOf, stepsTo, storedPathOf, tooManySteps } from './place.ts'
import { type Met, type Walk, grow, pathTooLong, refuseHere } from './walk.ts'

/** The list as superjson stores it: first path → other paths. The other places of the whole data come first, in an array. */
export type ReferentialEqualities = Record<string, string[]> | [string[]] | [string[], Record<string, string[]>]

export function meetAgain(walk: Walk, before: Met, place: Place): void {
  const first = before.place
  const obstacle = obstacleAt(first) ?? obstacleAt(place)
  if (obstacle) refuseHere(walk, place, sharedBut(first, obstacle))

  walk.referenceSteps += stepsTo(first) + stepsTo(place)
  if (tooManySteps(walk.referenceSteps)) refuseHere(walk, place, sharedBut(first, tooMany))

  const path = storedPathOf(place)
  if (Math.max(path.length, storedPathOf(first).length) > MAX_PATH_LENGTH) refuseHere(walk, place, pathTooLong)
  const others = walk.shared.get(first)
  if (others) others.push(path)
  else walk.shared.set(first, [path])
  walk.plain = false
  walk.referenceBytes += path.length + 3
  countCopy(walk, before, place)
}

export function referentialEqualities(shared: Walk['shared']): ReferentialEqualities | undefined {
  if (shared.size === 0) return undefined
  const ofData: string[][] = []
  const others: Record<string, string[]> = {}
  for (const [first, paths] of shared) {
    if (first.is === 'data') ofData.push(paths)
    else others[storedPathOf(first)] = paths
  }

  const [atTop] = ofData
  if (!atTop) return others
  return shared.size === 1 ? [atTop] : [atTop, others]
}

const tooMany = 'there are more references into Maps and Sets than can be restored quickly. Use ids instead.'

function obstacleAt(place: Place): string | undefined {
  if (place.is === 'map key') return 'a Map key cannot be shared. Publish a copy.'
  if (place.is === 'set element') return 'a Set element cannot be shared. Publish a copy.'
  return place.underError ? 'nothing inside an Error can be shared. Publish a copy.' : undefined
}

function sharedBut(first: Place, obstacle: string): string {
  return `is the same object as \`${pathOf(first)}\`, but ${obstacle}`
}

/** superjson writes a shared object again at each place. Only inside itself, where that would never end, it writes null. */
function countCopy(walk: Walk, before: Met, place: Place): void {
  if (before.bytes === undefined) return grow(walk, 4)
  walk.exposed += before.exposed
  grow(walk, before.bytes + (place.prefix - before.place.prefix) * before.exposed)
}
