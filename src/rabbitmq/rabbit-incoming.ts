/** A message that RabbitMQ has handed out, as the common part of all consumers handles it. */
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Incoming } from '../brokers/incoming.ts'
import { rabbitMessage, type RabbitMessage } from './rabbit-message.ts'

/** Of the channel that it came by, and of no other: RabbitMQ takes back what a channel had that is closed. */
export interface CameBy {
  readonly channel: Channel
  readonly queue: string
  readonly gone: AbortSignal
}

export function rabbitIncoming(message: ConsumeMessage, { channel, queue, gone }: CameBy): Incoming<RabbitMessage> {
  const read = rabbitMessage(message)
  const tell = (say: () => void) => {
    if (!gone.aborted) say()
  }
  return {
    message: read,
    place: { queue, messageId: read.id, routingKey: read.routingKey },
    gone,
    keep: () => undefined, // its channel says so
    acknowledge: () => Promise.resolve(tell(() => channel.ack(message))),
    giveBack: () => tell(() => channel.nack(message, false, true)),
    reject: () => Promise.resolve(tell(() => channel.nack(message, false, false))),
  }
}
