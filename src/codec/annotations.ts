/** Reads `meta.values` of a stored document: which of its JSON values stand for something else. Stored data is input. */

import { Corrupt } from './corrupt.ts'
import { MAX_DEPTH, MAX_PATH_LENGTH } from './limits.ts'

/** The annotation of one value of the document, with the annotations of the values inside it. */
export interface Annotated {
  /** Not checked yet. Undefined if only values inside this one are annotated. */
  type: unknown
  inner: Map<string, Annotated> | undefined
}

/** `values` is `[type]`, `[type, inner]` or `inner` alone. `inner` is an object: path → `[type]` or `[type, inner]`. */
export function readAnnotations(values: unknown): Annotated | undefined {
  if (values === undefined) return undefined
  const root: Annotated = { type: undefined, inner: undefined }
  if (Array.isArray(values)) annotateOne(root, values, 0)
  else annotateInner(root, values, 0)
  return root
}

/** Splits a path at its dots. A backslash escapes a dot or a backslash, and nothing else. */
export function readPath(text: string): string[] {
  // Escaping at most doubles the length of a path, so a path that we wrote is never longer than this.
  if (text.length > 2 * MAX_PATH_LENGTH) throw new Corrupt('a path is too long')
  const segments = text.includes('\\') ? readEscapedPath(text) : text.split('.')
  if (segments.length > MAX_DEPTH) throw new Corrupt('a path is too deep')
  return segments
}

function readEscapedPath(text: string): string[] {
  const tokens = text.match(/\\[\\.]|[^\\]/gs) ?? []
  if (tokens.join('').length !== text.length) throw new Corrupt('a path has an unknown escape')

  const segments: string[] = []
  let segment: string[] = []
  for (const token of [...tokens, '.']) {
    if (token !== '.') segment.push(token.slice(-1))
    else segment = startNext(segments, segment)
  }
  return segments
}

function startNext(segments: string[], finished: readonly string[]): string[] {
  segments.push(finished.join(''))
  return []
}

function annotateOne(at: Annotated, annotation: readonly unknown[], depth: number): void {
  if (annotation.length < 1 || annotation.length > 2) throw new Corrupt('an annotation has the wrong length')
  at.type = annotation[0]
  if (annotation.length === 2) annotateInner(at, annotation[1], depth + 1)
}

function annotateInner(at: Annotated, inner: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new Corrupt('annotations are too deep')
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner))
    throw new Corrupt('annotations have no paths')

  for (const [path, annotation] of Object.entries(inner)) {
    if (!Array.isArray(annotation)) throw new Corrupt(`the annotation of "${path}" is not a list`)
    annotateOne(reach(at, path), annotation, depth)
  }
}

/**
 * Finds or makes the entry at `path`. The path must not lead through an annotated value, or the second annotation would
 * change what the first one has made.
 */
function reach(from: Annotated, path: string): Annotated {
  let at = from
  for (const segment of readPath(path)) {
    if (at !== from && at.type !== undefined) throw new Corrupt(`the annotation of "${path}" is inside another one`)
    at.inner ??= new Map()
    const next = at.inner.get(segment) ?? { type: undefined, inner: undefined }
    at.inner.set(segment, next)
    at = next
  }
  if (at.type !== undefined || at.inner) throw new Corrupt(`the annotation of "${path}" contradicts another one`)
  return at
}
