/** `consumeJetStream`: messages of a durable consumer become events, and each message is acknowledged when its event is committed. */
import { AckPolicy, jetstream, type Consumer, type ConsumerInfo } from '@nats-io/jetstream'
import { z } from 'zod'
import { consumerOptions, partsFor, type BrokerConsumer, type ConsumerOptions } from '../brokers/consumer-options.ts'
import { Reception } from '../brokers/reception.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { parseOptions } from '../parse-options.ts'
import { every } from '../worker/every.ts'
import { withinMs } from '../worker/within.ts'
import type { JetStreamMessage } from './jet-stream-message.ts'
import { isOnePlace, natsPlace, ONE_PLACE, openNats, type NatsPlace, type OpenNats } from './nats-place.ts'
import { Pulling } from './pulling.ts'

export interface JetStreamConsumerOptions extends ConsumerOptions<JetStreamMessage>, NatsPlace {
  readonly stream: string
  /** The name of a durable pull consumer with explicit acknowledgement. Make it when you make the stream. */
  readonly consumer: string
  readonly domain?: string
}

const options = z
  .strictObject({
    ...consumerOptions,
    ...natsPlace,
    stream: z.string().min(1),
    consumer: z.string().min(1),
    domain: z.string().min(1).optional(),
  })
  .refine(isOnePlace, ONE_PLACE)

/** Each time this part of the server's acknowledgement wait has passed, the server is told that work on a message goes on. */
const KEPT_AT = 1 / 3
const LEAST_KEEP_MS = 100
const FLUSH_MS = 2_000

/**
 * Receives the messages of a durable JetStream consumer with `bus.receive`, and acknowledges each when its event is committed. Resolves when it
 * has found the consumer. It then works until `stop()`, also after restarts of the servers.
 *
 * A message that fails is tried again in its place, so later messages wait for it. A message that can never be received is terminated: see
 * `maxAttempts` and `onRejected`.
 *
 * @example
 * const consumer = await consumeJetStream({
 *   bus,
 *   servers: 'nats://localhost:4222',
 *   stream: 'PAYMENTS',
 *   consumer: 'shop',
 *   source: defineSource('payments', {
 *     id: (message: JetStreamMessage) => message.id,
 *     event: (message) => PaymentReceived(Payment.parse(message.json())),
 *   }),
 * })
 * process.once('SIGTERM', () => void consumer.stop())
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`; `POSTBUS_TRANSACTION_REQUIRED` for effects without `createBus({ transaction })`;
 * `POSTBUS_BROKER_UNREACHABLE`; `POSTBUS_BROKER_SETUP` when there is no such consumer, or it is not durable or not acknowledged explicitly.
 */
export async function consumeJetStream(given: JetStreamConsumerOptions): Promise<BrokerConsumer> {
  const settings = parseOptions('consumeJetStream()', options, given) as z.output<typeof options> &
    JetStreamConsumerOptions
  const parts = partsFor(given.bus, { source: given.source, effects: given.effects })
  const nats = await openNats(settings, 'postbus consumer')
  const { consumer, info } = await found(nats, settings).catch(async (error: unknown) => {
    await nats.close()
    throw error
  })

  const { bus, source, effects, onRejected, key, inFlight, concurrency, maxAttempts, shutdownGraceMs } = settings
  const reception = new Reception<JetStreamMessage>({ bus, parts, source, effects, onRejected, key, concurrency, maxAttempts }) // prettier-ignore
  const place = { stream: settings.stream, consumer: settings.consumer }
  const pulling = new Pulling({ consumer, reception, inFlight, emit: parts.emit, place })
  const over = new AbortController()
  const keepMs = Math.max(LEAST_KEEP_MS, (info.config.ack_wait ?? 0) / 1e6 * KEPT_AT) // prettier-ignore
  const keeping = every(keepMs, async () => reception.incoming().forEach(({ keep }) => keep()), over.signal)
  const done = pulling.run()

  let stopped: Promise<void> | null = null
  const stop = () =>
    (stopped ??= (async () => {
      await Promise.all([pulling.stop(), reception.stop(shutdownGraceMs)])
      over.abort()
      await Promise.all([keeping, done])
      await withinMs(
        FLUSH_MS,
        nats.connection.flush().catch(() => undefined),
      ) // sends what was given back, if the server can be reached
      await nats.close()
    })())
  return { stop, [Symbol.asyncDispose]: stop }
}

/** @throws {PostbusError} `POSTBUS_BROKER_SETUP`. */
async function found(
  { connection }: OpenNats,
  { stream, consumer: name, domain }: Pick<JetStreamConsumerOptions, 'stream' | 'consumer' | 'domain'>,
): Promise<{ readonly consumer: Consumer; readonly info: ConsumerInfo }> {
  try {
    const consumer = await jetstream(connection, domain === undefined ? {} : { domain }).consumers.get(stream, name)
    const info = await consumer.info(true)
    const problem = problemOf(info)
    if (problem !== null) throw setup(`Consumer "${name}" of stream "${stream}" ${problem}`)
    return { consumer, info }
  } catch (error) {
    if (error instanceof PostbusError) throw error
    const problem = `There is no pull consumer "${name}" of stream "${stream}" to be had: ${safeTextOfError(error)}.`
    throw setup(`${problem} Make it when you make the stream: durable, with explicit acknowledgement.`, error)
  }
}

function problemOf({ config }: ConsumerInfo): string | null {
  if (config.ack_policy !== AckPolicy.Explicit)
    return `acknowledges by the policy "${config.ack_policy}": expected "explicit", so that each message is acknowledged when its event is committed.`
  if (config.durable_name === undefined)
    return 'is not durable: the server would forget what was acknowledged. Give it a `durable_name`.'
  return null
}

function setup(message: string, cause?: unknown): PostbusError {
  return new PostbusError('POSTBUS_BROKER_SETUP', message, cause === undefined ? {} : { cause })
}
