/**
 * An error as it may be stored: message, code and stack only. Other properties of an error often hold requests, rows
 * and credentials, so none of them is kept; what looks like a secret inside the text is blacked out.
 */
import type { AttemptError } from '../deliveries/delivery.ts'
import { textOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { isError } from '../realm.ts'

const MAX_MESSAGE = 2_000
const MAX_STACK = 4_000
const MAX_CAUSES = 3

const UNSHOWABLE = 'Thrown: a value that cannot be shown'

/** A value in quotes, in escaped quotes (JSON inside JSON), or without quotes, up to the end of the word. */
const VALUE = String.raw`(?:\\+"[^"]*"|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,;&}]+)`
const NAMES = 'password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key'
/** The text between a name and its value: a closing quote if there is one, then an equals sign or a colon. */
const IS = String.raw`\\*["']?\s*[=:]\s*`

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // Up to the last @ before a slash: a password that holds an @ must not be shown in part.
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/]+@/gi, '$1***@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 ***'],
  [new RegExp(String.raw`(authorization${IS})(?:\\*"[^"]*"|'[^']*'|[^\r\n,}]+)`, 'gi'), '$1***'],
  // Without \b before the names: PGPASSWORD, client_secret and accessToken are secrets too.
  [new RegExp(`((?:${NAMES})${IS})${VALUE}`, 'gi'), '$1***'],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, '***'],
]

/** Returns what is stored of one attempt's error. Never throws. */
export function attemptError(error: unknown, attempt: number, at: Date): AttemptError {
  return {
    attempt,
    at: at.toISOString(),
    code: readable(() => codeOf(error), null),
    message: storable(messageOf(error), MAX_MESSAGE),
    stack: readable(() => stackOf(error), null),
  }
}

/** Why an attempt was the last one, in short: the message alone. Never throws. */
export function reasonOf(error: unknown): string {
  return readable(() => textOfError(error), UNSHOWABLE)
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
  return readable(() => {
    if (!isError(error)) return typeof error === 'string' ? error : `Thrown: ${textOfError(error)}`
    const plain = error.name === 'Error' || error instanceof PostbusError // whose code says more than its name
    return plain ? textOfError(error) : `${error.name}: ${textOfError(error)}`
  }, UNSHOWABLE)
}

function causeOf(error: unknown): unknown {
  return readable(() => (isError(error) ? (error.cause ?? undefined) : undefined), undefined)
}

function codeOf(error: unknown): string | null {
  if (!isError(error) || !('code' in error)) return null
  const { code } = error
  return typeof code === 'string' || typeof code === 'number' ? storable(String(code), 64) : null
}

function stackOf(error: unknown): string | null {
  return isError(error) && typeof error.stack === 'string' ? storable(error.stack, MAX_STACK) : null
}

/** What is thrown comes from code we do not know: a getter, a proxy or a toString may throw while it is read. */
function readable<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read()
  } catch {
    return otherwise
  }
}
