/** `rabbitTarget`: a relay's events become persistent messages of RabbitMQ, each confirmed and known to have reached a queue. */
import { z } from 'zod'
import { addressFor, type Address } from '../brokers/address.ts'
import { LazyConnection } from '../brokers/lazy-connection.ts'
import { unlessAborted } from '../brokers/unless-aborted.ts'
import { parseOptions } from '../parse-options.ts'
import type { RelayTarget } from '../relay/target.ts'
import { openConfirming } from './confirming.ts'
import { isOnePlace, ONE_PLACE, rabbitPlace, type RabbitPlace } from './rabbit-place.ts'

export interface RabbitTargetOptions extends RabbitPlace {
  /** An exchange that exists. `''`: the default exchange, whose routing keys are names of queues. */
  readonly exchange: string
  /** Default: the name of the event type. */
  readonly routingKey?: Address
  /** Whether a message that no queue gets is a failed attempt. Default: `true`. `false`: the message is dropped. */
  readonly isMandatory?: boolean
}

const address = z.custom<Address>((value) => typeof value === 'string' || typeof value === 'function', 'expected text or a function') // prettier-ignore
const options = z
  .strictObject({
    ...rabbitPlace,
    exchange: z.string().max(255),
    routingKey: address.optional(),
    isMandatory: z.boolean().default(true),
  })
  .refine(isOnePlace, ONE_PLACE)

/** The longest routing key that AMQP allows. */
const ROUTING_KEY = /^[^]{0,255}$/

/**
 * Makes a target that sends to an exchange. A message is done when RabbitMQ has confirmed it: then it is on the disk of a durable queue. A message
 * that no queue gets is a failed attempt. Its `messageId` is the event's id, so that receivers can find duplicates: RabbitMQ itself does not.
 *
 * Connects at the first message, and again when the connection was lost. `bus.close()` closes the connection.
 *
 * @example
 * const toRabbit = defineRelay('rabbit.orders', {
 *   on: 'orders.*',
 *   to: rabbitTarget({ url: 'amqp://localhost', exchange: 'orders' }),
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
 */
export function rabbitTarget(given: RabbitTargetOptions): RelayTarget {
  const settings = parseOptions('rabbitTarget()', options, given)
  const { exchange, isMandatory } = settings
  const place = new LazyConnection((onLost) => openConfirming(settings, onLost))

  return {
    name: 'rabbitmq',
    async send(message, { event, signal }) {
      const routingKey = addressFor(event, settings.routingKey, { what: 'routingKey', fits: ROUTING_KEY })
      const rabbit = await unlessAborted(signal, place.get())
      await unlessAborted(signal, rabbit.publish(message, { exchange, routingKey, isMandatory }))
    },
    close: () => place.close(),
  }
}
