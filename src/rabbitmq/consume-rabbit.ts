/** `consumeRabbit`: messages of a queue become events, and each message is acknowledged when its event is committed. */
import { z } from 'zod'
import { consumerOptions, partsFor, type BrokerConsumer, type ConsumerOptions } from '../brokers/consumer-options.ts'
import { Reception } from '../brokers/reception.ts'
import { parseOptions } from '../parse-options.ts'
import { Consuming } from './consuming.ts'
import type { RabbitMessage } from './rabbit-message.ts'
import { isOnePlace, ONE_PLACE, rabbitPlace, type RabbitPlace } from './rabbit-place.ts'
import { openSession } from './session.ts'

export interface RabbitConsumerOptions extends ConsumerOptions<RabbitMessage>, RabbitPlace {
  /** A queue that exists. */
  readonly queue: string
}

const options = z
  .strictObject({ ...consumerOptions, ...rabbitPlace, queue: z.string().min(1) })
  .refine(isOnePlace, ONE_PLACE)

/**
 * Receives the messages of a queue with `bus.receive`, and acknowledges each when its event is committed. Resolves when it consumes the queue.
 * It then works until `stop()`, also after restarts of the broker.
 *
 * A message that fails is tried again in its place, so later messages wait for it. A message that can never be received is rejected without
 * requeueing: RabbitMQ passes it to the queue's dead letter exchange, or drops it if the queue has none.
 *
 * @example
 * const consumer = await consumeRabbit({
 *   bus,
 *   url: 'amqp://localhost',
 *   queue: 'shop.payments',
 *   source: defineSource('payments', {
 *     id: (message: RabbitMessage) => message.id,
 *     event: (message) => PaymentReceived(Payment.parse(message.json())),
 *   }),
 * })
 * process.once('SIGTERM', () => void consumer.stop())
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`; `POSTBUS_TRANSACTION_REQUIRED` for effects without `createBus({ transaction })`;
 * `POSTBUS_BROKER_UNREACHABLE`; `POSTBUS_BROKER_SETUP` when the queue cannot be consumed.
 */
export async function consumeRabbit(given: RabbitConsumerOptions): Promise<BrokerConsumer> {
  const settings = parseOptions('consumeRabbit()', options, given) as z.output<typeof options> & RabbitConsumerOptions
  const parts = partsFor(given.bus, { source: given.source, effects: given.effects })
  const { bus, source, effects, onRejected, key, inFlight, concurrency, maxAttempts, shutdownGraceMs } = settings
  const reception = new Reception<RabbitMessage>({ bus, parts, source, effects, onRejected, key, concurrency, maxAttempts }) // prettier-ignore
  const { queue } = settings
  const sessionOptions = { place: settings, queue, inFlight, take: reception.take.bind(reception) }
  const consuming = new Consuming(await openSession(sessionOptions), sessionOptions, parts.emit)
  const done = consuming.run()

  let stopped: Promise<void> | null = null
  const stop = () =>
    (stopped ??= (async () => {
      await consuming.cancel()
      await reception.stop(shutdownGraceMs)
      await consuming.close()
      await done
    })())
  return { stop, [Symbol.asyncDispose]: stop }
}
