/** What was thrown, in a few words for people. What a driver throws need not be an error, and need not have a message. */

/**
 * The message of an error. Node reports a host with several addresses as an AggregateError without a message of its own: then
 * that of its first error; an error without any message is named by its code.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return 'code' in error ? String(error.code) : error.name
}
