/** Lists the events that a bus with `backend: 'mailbox'` has kept outside of tests: in a script, or in live mode. */
import { partsOf } from '../publishing/backend-override.ts'
import type { Bus } from '../bus.ts'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'

/**
 * Returns the events that a bus with `backend: 'mailbox'` has kept outside of tests, oldest first.
 *
 * @example expect(mailboxOf(bus).map(({ type }) => type)).toEqual(['orders.order-created'])
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for a bus that keeps no events.
 */
export function mailboxOf(bus: Bus): readonly Envelope[] {
  const parts = partsOf(bus)
  if (parts?.kind === 'mailbox') return [...parts.mailbox]
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    "mailboxOf(): this bus keeps no events. Create it with `backend: 'mailbox'`; in a test, use publishedEvents().",
  )
}
