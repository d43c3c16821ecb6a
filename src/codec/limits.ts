/** The limits of a stored document. Writing and reading share them, so that everything that is accepted can be read. */

/** UTF-8 bytes of one encoded document, unless the codec is told otherwise. */
export const DEFAULT_MAX_BYTES = 1_048_576

/** The most that can be stored or read at all: a larger text in the table was not written by Postbus. */
export const MAX_DOCUMENT_BYTES = 64 * 1_048_576

/** Nesting of the stored JSON; a Map takes two levels. superjson's time grows with its square, and its stack overflows by 2,000. */
export const MAX_DEPTH = 200

/** Parsing a bigint of a million digits takes seconds; one of ten thousand digits takes microseconds. */
export const MAX_BIGINT_DIGITS = 10_000

export const MAX_REGEXP_LENGTH = 1_000

/** Characters in the path of an annotation. superjson needs 32 bytes of memory for each character when it reads the path. */
export const MAX_PATH_LENGTH = 100_000

/** superjson finds the nth entry of a Map by counting to it. This many steps take about 20 ms. */
export const MAX_REFERENCE_STEPS = 2_000_000

/** Keys through which a document could reach the prototype that all objects share. */
export function isDangerousKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}
