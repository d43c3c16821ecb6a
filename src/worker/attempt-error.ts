/**
 * An error as it may be stored: message, code and stack only. Other properties of an error often hold requests, rows
 * and credentials, so none of them is kept; what looks like a secret inside the text is blacked out.
 */
import type { AttemptError } from '../backend.ts'

const MAX_MESSAGE = 2_000
const MAX_STACK = 4_000
const MAX_CAUSES = 3

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+@/gi, '$1***@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 ***'],
  [
    /(["']?\b(?:password|passwd|pwd|secret|token|api[_-]?key|authorization|access[_-]?key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&}]+)/gi,
    '$1***',
  ],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, '***'],
]

/** What is kept of the error of one attempt. Never throws, whatever was thrown. */
export function attemptError(error: unknown, attempt: number, at: Date): AttemptError {
  return {
    attempt,
    at: at.toISOString(),
    code: codeOf(error),
    message: storable(messageOf(error), MAX_MESSAGE),
    stack: error instanceof Error && typeof error.stack === 'string' ? storable(error.stack, MAX_STACK) : null,
  }
}

/** Text that jsonb can hold: well formed, without NUL, of bounded length, secrets blacked out. */
export function storable(text: string, maxLength: number): string {
  const capped = text.length > maxLength * 2 ? text.slice(0, maxLength * 2) : text
  const hidden = SECRETS.reduce((rest, [pattern, mask]) => rest.replace(pattern, mask), capped)
  const clean = hidden.replaceAll('\u0000', '\\0').toWellFormed()
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1).toWellFormed()}…` : clean
}

function messageOf(error: unknown): string {
  const parts: string[] = []
  for (let current = error; current !== undefined && parts.length <= MAX_CAUSES; current = causeOf(current)) {
    parts.push(ownMessage(current))
  }
  return parts.join(' ← ')
}

function ownMessage(error: unknown): string {
  try {
    if (!(error instanceof Error)) return typeof error === 'string' ? error : `Thrown: ${String(error)}`
    const name = error.name === 'Error' ? '' : `${error.name}: `
    return `${name}${error.message}` // a template, because a hostile message need not be text
  } catch {
    return 'Thrown: a value that cannot be shown' // its toString threw
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? (error.cause ?? undefined) : undefined
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  const { code } = error
  return typeof code === 'string' || typeof code === 'number' ? storable(String(code), 64) : null
}
