/** Events that SQL has published: no schema has checked their data, and no handler was asked whether it is interested. */
import type { Envelope } from './envelope.ts'
import { detailsOf } from './event-details.ts'
import type { EventType } from './event-type.ts'
import { ownCopy } from './own-copy.ts'
import { validate } from './validate.ts'

/** A property of such events after they were opened. Copies keep it. */
const MARK = Symbol.for('postbus.from-sql')

/** Properties to spread into an envelope. */
export const FROM_SQL: object = Object.freeze({ [MARK]: true })

export function isFromSql(event: object): boolean {
  return Reflect.get(event, MARK) === true
}

/**
 * Returns the event with the data that its schema returns, as if the code had published it.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT`, with every problem and its place.
 */
export function parsed(event: Envelope, type: EventType): Envelope {
  const data = validate(event.type, detailsOf(type).schema, event.data)
  return Object.freeze({ ...event, data: ownCopy(data) }) // a copy, because a schema may return the same object for several events
}
