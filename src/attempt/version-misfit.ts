/** An event of a version that the handler does not list: newer ones wait for a newer worker, older ones for an operator. */
import type { StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { isFor, versionsOf } from '../handlers/registry.ts'
import type { Undecided } from './on-dead.ts'
import { dead, putBack } from './outcome-of.ts'

/** What becomes of the attempt; `null` when the handler is for this event. */
export function versionMisfit(handler: AnyHandler, event: StoredEvent): Undecided | null {
  if (isFor(handler, event)) return null
  const known = versionsOf(handler, event.type)
  const what = `${event.type} version ${event.version} for handler "${handler.name}"`
  if (known.length === 0) {
    const problem = 'the handler no longer listens to this event type. The delivery is put back.'
    return putBack(new PostbusError('POSTBUS_UNKNOWN_HANDLER', `${what}: ${problem}`))
  }
  const knows = `this worker knows ${known.map((version) => `v${version}`).join(', ')}`
  if (event.version > Math.max(...known)) {
    const mend = 'The delivery is put back; deploy workers before publishers.'
    return putBack(new PostbusError('POSTBUS_NEWER_VERSION', `${what} was published by newer code; ${knows}. ${mend}`))
  }
  const mend = 'Add the old version to `on`, then run: npx postbus dead retry'
  return dead(
    handler,
    new PostbusError('POSTBUS_OLDER_VERSION', `${what} was published by older code; ${knows}. ${mend}`),
  )
}
