/** Finds the source of a line in a bundle, by the source map that the bundler left beside it or in it. */
import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { dirname, resolve } from 'node:path'

interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Returns the same place if there is no map, or if Node has applied it already. Called only when a test fails. */
export function mappedPlace<Place extends Position>(place: Place): Place {
  const found = sourceMapOf(place.file)?.findEntry(place.line - 1, place.column - 1)
  if (!found || !('originalSource' in found) || typeof found.originalSource !== 'string') return place
  const file = resolve(dirname(place.file), found.originalSource.replace(/^file:\/\//, ''))
  return { ...place, file, line: found.originalLine + 1, column: found.originalColumn + 1 }
}

function sourceMapOf(file: string): SourceMap | undefined {
  try {
    const link = readFileSync(file, 'utf8').match(/^\/\/# sourceMappingURL=(\S+)\s*$/m)?.[1]
    if (link === undefined) return undefined
    const inside = /^data:application\/json[^,]*;base64,(.+)$/.exec(link)?.[1]
    const json = inside === undefined ? readFileSync(resolve(dirname(file), link), 'utf8') : atob(inside)
    return new SourceMap(JSON.parse(json) as SourceMapPayload)
  } catch {
    return undefined // no such file, or no such map: the line in the bundle is better than nothing
  }
}
