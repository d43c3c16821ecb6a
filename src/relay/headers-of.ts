/** The headers of a message in binary mode: the attributes of its CloudEvent, as protocols want them. */
import type { RelayMessage } from './message.ts'

export interface HeaderOptions {
  /** What stands before the name of an attribute: `ce-` in HTTP and NATS, `ce_` in Kafka, `cloudEvents_` in AMQP. */
  readonly prefix: string
  /** Whether values are percent-encoded, as headers of HTTP have to be. Default: `false`. */
  readonly isEncoded?: boolean | undefined
}

/**
 * Writes the attributes of a message as headers. Empty in structured mode. The content type is for the target: protocols have a place of their
 * own for it.
 *
 * @example const headers = { 'content-type': message.contentType, ...headersOf(message, { prefix: 'ce-', isEncoded: true }) }
 */
export function headersOf({ attributes }: RelayMessage, { prefix, isEncoded = false }: HeaderOptions) {
  const headers = Object.entries(attributes).map(([name, value]) => [prefix + name, isEncoded ? encoded(value) : value])
  return Object.fromEntries(headers) as Record<string, string>
}

/** All but printable ASCII, and of that the space, the quote and the percent sign: the HTTP binding of CloudEvents. */
function encoded(value: string): string {
  return value.toWellFormed().replace(/[^\x21\x23\x24\x26-\x7e]+/gu, encodeURIComponent)
}
