/** Chooses which of the read events a handler gets. As in `publish`, this depends on its event types and on `interested`. */
import { isErased } from '../../../attempt/no-longer-wanted.ts'
import { openedOrError } from '../../../attempt/open-envelope.ts'
import type { Codec } from '../../../codec/codec.ts'
import type { StoredEvent } from '../../../deliveries/delivery.ts'
import type { Envelope } from '../../../events/envelope.ts'
import { PostbusError } from '../../../errors.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import { isReadable, type Reading } from '../../../handlers/reading.ts'
import { isInterested, type Registry } from '../../../handlers/registry.ts'
import { eventAs } from '../deliveries/names.ts'

export interface Choosing {
  readonly handler: AnyHandler
  readonly registry: Registry
  readonly codec: Codec
  readonly where?: ((event: Envelope) => boolean) | undefined
}

/** Whether the choice needs the data of the events. */
export function readsPayloads({ handler, where }: Choosing): boolean {
  return handler.interested !== null || where !== undefined
}

/**
 * @throws {PostbusError} `POSTBUS_INTERESTED_FAILED` when `interested` or `where` throws or returns anything but true or false,
 * naming the event.
 */
export function chosen<Event extends StoredEvent>(events: readonly Event[], choosing: Choosing): readonly Event[] {
  return events.filter((stored) => {
    if (isErased(stored)) return false
    const event = eventAs(choosing.registry.names, stored)
    const reading = choosing.registry.readingOf(choosing.handler, event)
    return isReadable(reading) && (!readsPayloads(choosing) || isWanted(event, reading, choosing))
  })
}

function isWanted(stored: StoredEvent, reading: Reading, { handler, codec, where }: Choosing): boolean {
  const event = openedOrError(stored, reading, codec)
  if (event instanceof PostbusError) return true // its delivery becomes a dead letter that says what is wrong with it
  return isInterested(handler, event) && (where === undefined || matches(where, event, handler))
}

function matches(where: (event: Envelope) => boolean, event: Envelope, handler: AnyHandler): boolean {
  const failed = (problem: string, cause?: unknown) =>
    new PostbusError(
      'POSTBUS_INTERESTED_FAILED',
      `\`where\` of a replay to "${handler.name}" ${problem} for ${event.type} ${event.id}.`,
      { cause },
    )
  let answer: unknown
  try {
    answer = where(event)
  } catch (error) {
    throw failed('threw', error)
  }
  if (typeof answer === 'boolean') return answer
  throw failed(`returned ${typeof answer}, not true or false,`)
}
