/**
 * Decides about an event in a version that the handler cannot read, not even by an upcast: a newer version waits for a newer worker,
 * an older one for an operator.
 */
import type { StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Reading } from '../handlers/reading.ts'
import type { Undecided } from './on-dead.ts'
import { dead, putBack } from './outcome-of.ts'

/** Returns what becomes of the attempt; `null` when the handler can read this event. */
export function versionMisfit(handler: AnyHandler, event: StoredEvent, reading: Reading): Undecided | null {
  const what = `${event.type} version ${event.version} for handler "${handler.name}"`
  switch (reading.is) {
    case 'as-stored':
    case 'upcast':
      return null
    case 'not-heard': {
      const problem = 'the handler no longer listens to this event type. The delivery is put back.'
      return putBack(new PostbusError('POSTBUS_UNKNOWN_HANDLER', `${what}: ${problem}`))
    }
    case 'newer': {
      const mend = `${knows(reading.known)}. The delivery is put back; deploy workers before publishers.`
      return putBack(new PostbusError('POSTBUS_NEWER_VERSION', `${what} was published by newer code; ${mend}`))
    }
    case 'older': {
      const { missing } = reading
      const upcast = `there is no upcast from version ${missing} to ${missing + 1}. Add it to \`upcasts\` of the event type`
      const mend = `${knows(reading.known)}, and ${upcast}, or the old version to \`on\`, then run: npx postbus dead retry`
      return dead(handler, new PostbusError('POSTBUS_OLDER_VERSION', `${what} was published by older code; ${mend}`))
    }
  }
}

function knows(known: readonly number[]): string {
  return `this worker knows ${known.map((version) => `v${version}`).join(', ')}`
}
