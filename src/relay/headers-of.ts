/** The headers of a message in binary mode: the attributes of its CloudEvent, with the prefix and the encoding that the protocol wants. */
import type { RelayMessage } from './message.ts'

export interface HeaderOptions {
  /** The prefix of each attribute's name: `ce-` in HTTP and NATS, `ce_` in Kafka, `cloudEvents_` in AMQP. */
  readonly prefix: string
  /** Whether values are percent-encoded, as HTTP headers require. Default: `false`. */
  readonly isEncoded?: boolean | undefined
}

/**
 * Writes the attributes of a message as headers. In structured mode there are none. The content type is not included: each protocol has its own
 * place for it, and the target puts it there.
 *
 * @example const headers = { 'content-type': message.contentType, ...headersOf(message, { prefix: 'ce-', isEncoded: true }) }
 */
export function headersOf({ attributes }: RelayMessage, { prefix, isEncoded = false }: HeaderOptions) {
  const headers = Object.entries(attributes).map(([name, value]) => [prefix + name, isEncoded ? encoded(value) : value])
  return Object.fromEntries(headers) as Record<string, string>
}

/** Encodes everything except printable ASCII, and also the space, the quote and the percent sign, as CloudEvents requires for HTTP. */
function encoded(value: string): string {
  return value.toWellFormed().replace(/[^\x21\x23\x24\x26-\x7e]+/gu, encodeURIComponent)
}
