/** The text of an error, which is never empty: for reasons that are stored, signalled or printed. */
import { isAggregateError, isError } from './realm.ts'

/** The number of errors that are named when one error holds several. */
const MOST_ERRORS = 3
/** A limit, because an error can be among its own errors, or be its own cause. */
const MAX_DEPTH = 4

/** Throws only if reading the error throws, by a hostile getter for example. */
export function textOfError(error: unknown): string {
  return textAt(error, 0)
}

/** The same for any thrown value. Never throws. */
export function safeTextOfError(error: unknown): string {
  try {
    return textOfError(error)
  } catch {
    return 'a value that cannot be shown'
  }
}

function textAt(error: unknown, depth: number): string {
  if (!isError(error)) return textOfValue(error)
  const given: unknown = error.message // a hostile message need not be text
  const message = String(given)
  // When a host refuses at each of its addresses, Node reports one error without a message, which holds the others.
  const inner = isAggregateError(error) && depth < MAX_DEPTH ? textOfAll(error.errors, depth + 1) : ''
  if (inner !== '') return message.trim() === '' ? inner : `${message}: ${inner}`
  return message.trim() === '' ? textWithoutMessage(error, depth) : message
}

function textOfAll(errors: readonly unknown[], depth: number): string {
  const texts = [...new Set(errors.map((error) => textAt(error, depth)))]
  const more = texts.length > MOST_ERRORS ? [`and ${texts.length - MOST_ERRORS} more`] : []
  return [...texts.slice(0, MOST_ERRORS), ...more].join('; ')
}

function textWithoutMessage(error: Error, depth: number): string {
  const code: unknown = Reflect.get(error, 'code')
  if ((typeof code === 'string' && code !== '') || typeof code === 'number') return String(code)
  if (error.cause !== undefined && error.cause !== null && depth < MAX_DEPTH) return textAt(error.cause, depth + 1)
  const name: unknown = error.name
  return String(name) || 'Error'
}

/** Some libraries throw objects that are not errors, but have a message. */
function textOfValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    const message: unknown = Reflect.get(value, 'message')
    if (typeof message === 'string' && message.trim() !== '') return message
  }
  return String(value) || 'an empty text'
}
