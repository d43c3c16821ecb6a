/** `jetStreamTarget`: a relay's events become messages of a JetStream stream, each stored once. */
import { jetstream, type JetStreamClient } from '@nats-io/jetstream'
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import { addressFor, type Address } from '../brokers/address.ts'
import { LazyConnection } from '../brokers/lazy-connection.ts'
import { unlessAborted } from '../brokers/unless-aborted.ts'
import { PostbusError } from '../errors.ts'
import { parseOptions } from '../parse-options.ts'
import { headersOf } from '../relay/headers-of.ts'
import type { RelayMessage } from '../relay/message.ts'
import type { RelayTarget } from '../relay/target.ts'
import { isOnePlace, natsPlace, ONE_PLACE, openNats, type NatsPlace } from './nats-place.ts'

export interface JetStreamTargetOptions extends NatsPlace {
  /** A subject of the stream. Default: the name of the event type. */
  readonly subject?: Address
  /** The stream that must store the message. If another stream stores it, the attempt fails. Default: every stream may store it. */
  readonly expectedStream?: string
  readonly domain?: string
  /** How long to wait until the stream has stored a message, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number
}

const address = z.custom<Address>((value) => typeof value === 'string' || typeof value === 'function', 'expected text or a function') // prettier-ignore
const options = z
  .strictObject({
    ...natsPlace,
    subject: address.optional(),
    expectedStream: z.string().min(1).optional(),
    domain: z.string().min(1).optional(),
    timeoutMs: z.int().min(1).max(600_000).default(5_000),
  })
  .refine(isOnePlace, ONE_PLACE)

type Settings = z.output<typeof options>

/** Words between dots, without wildcards. */
const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/

interface OpenTarget {
  readonly client: JetStreamClient
  isConnected(): boolean
  close(): Promise<void>
}

/**
 * Makes a target that sends to JetStream. A message is done when the stream has stored it. Its `Nats-Msg-Id` is the event's id: a message that
 * is sent again within the stream's `duplicate_window` (2 minutes by default) is stored once.
 *
 * Connects at the first message. `bus.close()` closes a connection that was opened here.
 *
 * @example
 * const toNats = defineRelay('nats.orders', {
 *   on: 'orders.*',
 *   to: jetStreamTarget({ servers: 'nats://localhost:4222', expectedStream: 'ORDERS' }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
 */
export function jetStreamTarget(given: JetStreamTargetOptions): RelayTarget {
  const settings = parseOptions('jetStreamTarget()', options, given)
  const place = new LazyConnection(() => open(settings))

  return {
    name: 'nats jetstream',
    async send(message, { event, signal }) {
      const subject = addressFor(event, settings.subject, { what: 'subject', fits: SUBJECT })
      const nats = await unlessAborted(signal, place.get())
      // The client would send the message when the connection is back: later than what another worker sends meanwhile.
      if (!nats.isConnected()) throw new PostbusError('POSTBUS_BROKER_UNREACHABLE', 'The connection to NATS is lost, and not yet back.') // prettier-ignore
      const sent = nats.client.publish(subject, message.body, {
        msgID: message.id,
        headers: natsHeaders(message),
        timeout: settings.timeoutMs,
        ...(settings.expectedStream !== undefined && { expect: { streamName: settings.expectedStream } }),
      })
      await unlessAborted(signal, sent).catch((error: unknown) => {
        throw noStream(subject, error) ?? error
      })
    },
    close: () => place.close(),
  }
}

async function open(settings: Settings): Promise<OpenTarget> {
  const { connection, close } = await openNats(settings, 'postbus relay')
  const { isConnected, stop } = watched(connection)
  const client = jetstream(connection, settings.domain === undefined ? {} : { domain: settings.domain })
  return {
    client,
    isConnected,
    async close() {
      stop()
      await close()
    },
  }
}

function watched(connection: NatsConnection) {
  let isConnected = true
  const over = new AbortController()
  const events = connection.status()
  void (async () => {
    for await (const { type } of events) {
      if (over.signal.aborted) return
      if (type === 'disconnect' || type === 'close') isConnected = false
      if (type === 'reconnect') isConnected = true
    }
  })()
  return { isConnected: () => isConnected && !connection.isClosed(), stop: () => over.abort() }
}

function natsHeaders(message: RelayMessage): MsgHdrs {
  const made = headers()
  made.set('content-type', message.contentType)
  for (const [name, value] of Object.entries(headersOf(message, { prefix: 'ce-', isEncoded: true })))
    made.set(name, value)
  return made
}

/** The error when no stream has the subject, so nothing stores the message. */
function noStream(subject: string, error: unknown): PostbusError | null {
  // The client throws this error when there is no response at all. It does not export the class.
  if (!(error instanceof Error) || error.name !== 'JetStreamNotEnabled') return null
  return new PostbusError(
    'POSTBUS_BROKER_SETUP',
    `No stream of JetStream has the subject "${subject}", or JetStream is not up. Make the stream before, or mend \`subject\`.`,
    { cause: error },
  )
}
