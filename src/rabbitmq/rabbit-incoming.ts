/** A message that RabbitMQ has handed out, in the form that consumers of all brokers share. */
import type { Channel, ConsumeMessage } from 'amqplib'
import type { Incoming } from '../brokers/incoming.ts'
import { rabbitMessage, type RabbitMessage } from './rabbit-message.ts'

/** The channel that a message came on. Only this channel can acknowledge it: RabbitMQ takes back the messages of a closed channel. */
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
    keep: () => undefined, // its open channel is enough
    acknowledge: () => Promise.resolve(tell(() => channel.ack(message))),
    giveBack: () => tell(() => channel.nack(message, false, true)),
    reject: () => Promise.resolve(tell(() => channel.nack(message, false, false))),
  }
}
