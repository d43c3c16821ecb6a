/** Finds where an event was published: the caller's own lines, without lines of the library, Node and other packages. */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mappedPlace } from './source-map.ts'

export interface Place {
  /** The function, or null for code outside of one. */
  readonly name: string | null
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Enough to get out of the library and into the caller's code. More frames cost more for every publish. */
const MOST_FRAMES = 12

/** The folder of this library. Null in a bundle, where the library and the tests are one file. */
const LIBRARY = libraryFolder()
const FRAME = /^\s*at (?:async )?(?:(.+?) \()?(?:file:\/\/)?([^()]+?):(\d+):(\d+)\)?$/

/**
 * Captures the stack above `cut`. The returned function turns it into places only when it is called, because turning a stack
 * into text costs ten times as much as capturing it.
 */
export function stackAbove(cut: (...parameters: never[]) => unknown): () => readonly Place[] {
  const trace: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = MOST_FRAMES
  Error.captureStackTrace(trace, cut)
  const whole = LIBRARY === null ? new Error() : null // a bundler may have replaced the function `cut`
  Error.stackTraceLimit = limit
  return () => {
    const places = ownPlaces(stackIn(trace))
    return places.length > 0 || whole === null ? places : ownPlaces(stackIn(whole))
  }
}

/** The stack is a text, unless other code has set `Error.prepareStackTrace`. */
function stackIn({ stack }: { stack?: unknown }): string {
  return typeof stack === 'string' ? stack : ''
}

function libraryFolder(): string | null {
  const url: string | undefined = import.meta.url // a bundle in CommonJS has none
  const isOwnFile = url !== undefined && /\/testing\/published-at\.[jt]s$/.test(url)
  return isOwnFile ? fileURLToPath(new URL('..', url)) : null
}

/** `checkout (src/checkout.ts:31:5)` */
export function placeInWords({ name, file, line, column }: Place): string {
  const where = `${relative(process.cwd(), file)}:${line}:${column}`
  return name === null ? where : `${name} (${where})`
}

/** Stack lines that test runners turn into links and code frames. */
export function asStackLines(places: readonly Place[]): string {
  const lines = places.map(
    ({ name, file, line, column }) => `    at ${name ?? '<anonymous>'} (${file}:${line}:${column})`,
  )
  return lines.join('\n')
}

function ownPlaces(stack: string): readonly Place[] {
  const places = stack.split('\n').flatMap((line) => placeIn(line))
  const mapped = LIBRARY === null ? places.map(mappedPlace) : places
  const outside = mapped.filter(({ file }) => !isOfLibrary(file) && !file.startsWith('node:'))
  const own = outside.filter(({ file }) => !file.includes('/node_modules/'))
  return own.length > 0 ? own : outside
}

function isOfLibrary(file: string): boolean {
  return LIBRARY === null ? /\/postbus\/(?:dist\/)?src\//.test(file) : file.startsWith(LIBRARY)
}

function placeIn(text: string): readonly Place[] {
  const [found, name, file, line, column] = FRAME.exec(text) ?? []
  if (found === undefined || file === undefined) return []
  return [{ name: nameIn(name), file, line: Number(line), column: Number(column) }]
}

/** `Object.clearCart [as handle]` is `clearCart`. */
function nameIn(text: string | undefined): string | null {
  if (text === undefined || text.endsWith('<anonymous>')) return null
  return text.replace(/^Object\./, '').replace(/ \[as [^\]]*\]$/, '')
}
