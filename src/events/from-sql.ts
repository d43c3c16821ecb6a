/** Events that SQL has published: no schema has seen their data, and no handler was asked whether it is interested. */
import type { Envelope } from './envelope.ts'
import { detailsOf } from './event-details.ts'
import type { EventType } from './event-type.ts'
import { ownCopy } from './own-copy.ts'
import { validate } from './validate.ts'

/** A property of events that were opened, also of copies. */
const MARK = Symbol.for('postbus.from-sql')

/** What to spread into an envelope. */
export const FROM_SQL: object = Object.freeze({ [MARK]: true })

export function isFromSql(event: object): boolean {
  return Reflect.get(event, MARK) === true
}

/**
 * The event with the data that its schema returns, as a publisher with the code would have stored it.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT`, with every problem and its place.
 */
export function parsed(event: Envelope, type: EventType): Envelope {
  const data = validate(event.type, detailsOf(type).schema, event.data)
  return Object.freeze({ ...event, data: ownCopy(data) }) // a schema may return something that it returns for the next event too
}
