/** The time at which a publish is due: `delayMs` or `at`, checked at the door. */
import { types } from 'node:util'
import { now } from '../clock.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions } from '../events/publish-result.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { isOrdered } from '../handlers/pace.ts'

const MOST_DAYS = 365
const MOST_MS = MOST_DAYS * 86_400_000

/** Measured by the database's clock, which may differ from the clock of this process. */
export type Due = { readonly at: Date } | { readonly delayMs: number }

/**
 * `null`: at once.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
 */
export function dueOf({ delayMs, at }: PublishOptions): Due | null {
  if (delayMs === undefined && at === undefined) return null
  if (delayMs !== undefined && at !== undefined) throw invalid('both `delayMs` and `at`. Give the one that you mean.')
  if (delayMs !== undefined) {
    if (Number.isFinite(delayMs) && delayMs >= 0 && delayMs <= MOST_MS) return delayMs === 0 ? null : { delayMs }
    throw invalid(`\`delayMs: ${String(delayMs)}\`: expected milliseconds from 0 to ${MOST_MS} (${MOST_DAYS} days).`)
  }
  const time = types.isDate(at) ? at.getTime() : NaN
  if (!Number.isNaN(time) && time <= now().getTime() + MOST_MS) return { at: new Date(time) }
  throw invalid(`\`at: ${String(at)}\`: expected a Date, at most ${MOST_DAYS} days ahead.`)
}

/** The time by the clock of this process. `null`: it is due at once. */
export function dueHere(due: Due | undefined): Date | null {
  if (!due) return null
  const at = 'at' in due ? due.at : new Date(now().getTime() + due.delayMs)
  return at > now() ? at : null
}

/**
 * An event with a key has its place in its lane by the order of publishing. If it were delivered later, it would hold up later
 * events of the key, or be overtaken by them.
 *
 * @throws {PostbusError} `POSTBUS_DELAYED_KEY` when a handler would get it in the order of its key.
 */
export function refuseDelayedKey({ type, partitionKey }: Envelope, handlers: readonly AnyHandler[]): void {
  const ordered = partitionKey === null ? undefined : handlers.find(isOrdered)
  if (!ordered) return
  throw new PostbusError(
    'POSTBUS_DELAYED_KEY',
    `${type} has a partition key, and handler "${ordered.name}" gets the events of a key in the order of publishing, so it cannot be ` +
      'published for later. Give what is delayed an event type of its own, without a key, or the handler `ordered: false`. Nothing was published.',
  )
}

function invalid(problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_OPTIONS', `publish(): ${problem} Nothing was published.`)
}
