/** Makes the messages of a relay, in its format. */
import { createCodec, type CustomCodec } from '../codec/codec.ts'
import { MAX_DOCUMENT_BYTES } from '../codec/limits.ts'
import { parseJson } from '../codec/parse-json.ts'
import type { Envelope } from '../events/envelope.ts'
import { binary, structured, type CloudEventOptions } from './cloud-event.ts'
import { envelopeMessage } from './envelope-message.ts'
import type { RelayFormat, RelayMessage } from './message.ts'

/** How a relay writes its messages. */
export interface MessageOptions extends CloudEventOptions {
  /** The format of the messages. Default: the `format` of the target, else `'cloudevents'`. */
  readonly format?: RelayFormat | undefined
  /**
   * How the data of a CloudEvent is written. `'json'`: plain JSON, in which a date or a bigint is text. `'superjson'`: `{ json, meta }`, as stored,
   * for receivers that read superjson. Default: `'json'`.
   */
  readonly data?: 'json' | 'superjson' | undefined
  /** The same `codecs` as in `createBus`. Without them, data with classes of your own cannot be written. Default: none. */
  readonly codecs?: readonly CustomCodec[] | undefined
}

const FORMATS: readonly unknown[] = ['cloudevents', 'cloudevents-binary', 'envelope']

/** Returns the function that makes the message of an event. */
export function messagesIn(
  format: RelayFormat,
  { data: form = 'json', codecs = [], ...options }: MessageOptions,
): (event: Envelope) => RelayMessage | Promise<RelayMessage> {
  if (typeof format === 'function') return format
  // Every published event can be relayed: the bus has already refused data above its own limit.
  const codec = createCodec({ codecs, maxBytes: MAX_DOCUMENT_BYTES })
  if (format === 'envelope') return (event) => envelopeMessage(event, codec)

  const dataOf = (event: Envelope): unknown => {
    const document = parseJson(codec.encode(event.data, `${event.type}: its data`))
    return form === 'superjson' ? document : (document as { readonly json: unknown }).json
  }
  const make = format === 'cloudevents' ? structured : binary
  return (event) => make(event, dataOf(event), options)
}

/** Returns what is wrong with the options, or `null`. */
export function formatProblem({ format = 'cloudevents', data = 'json' }: MessageOptions): string | null {
  if (typeof format !== 'function' && !FORMATS.includes(format))
    return `expected \`format\` to be one of ${FORMATS.join(', ')}, or a function that makes a message.`
  return data === 'json' || data === 'superjson' ? null : "expected `data` to be 'json' or 'superjson'."
}
