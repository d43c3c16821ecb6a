/** The address of a message at a broker: a subject, or a routing key. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'

/** One address for all events, or a function of the event. */
export type Address = string | ((event: Envelope) => string)

/** @throws {PostbusError} `POSTBUS_BROKER_SETUP` when the address is not text that the broker can route by. */
export function addressFor(
  event: Envelope,
  address: Address | undefined,
  { what, fits }: { readonly what: string; readonly fits: RegExp },
): string {
  const found: unknown = typeof address === 'function' ? address(event) : (address ?? event.type)
  if (typeof found === 'string' && fits.test(found)) return found
  const problem = `\`${what}\` of ${event.type} is ${JSON.stringify(found)}`
  throw new PostbusError('POSTBUS_BROKER_SETUP', `${problem}: expected text that matches ${String(fits)}.`)
}
