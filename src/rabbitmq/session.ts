/** One connection that consumes a queue, until it is lost or closed. */
import type { Channel, ChannelModel } from 'amqplib'
import type { Incoming } from '../brokers/incoming.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { rabbitIncoming } from './rabbit-incoming.ts'
import type { RabbitMessage } from './rabbit-message.ts'
import { openRabbit, type RabbitPlace } from './rabbit-place.ts'

export interface Session {
  /** Resolves with the reason when no more messages come. */
  readonly ended: Promise<string>
  /** Takes no further message. Those that have come can still be acknowledged. */
  cancel(): Promise<void>
  /** Resolves when RabbitMQ has received everything, or cannot be reached. */
  close(): Promise<void>
}

export interface SessionOptions {
  readonly place: RabbitPlace
  readonly queue: string
  readonly inFlight: number
  readonly take: (incoming: Incoming<RabbitMessage>) => void
}

/** @throws {PostbusError} `POSTBUS_BROKER_UNREACHABLE`, `POSTBUS_BROKER_SETUP`. */
export async function openSession({ place, queue, inFlight, take }: SessionOptions): Promise<Session> {
  const connection = await openRabbit(place, 'postbus consumer')
  const gone = new AbortController()
  const { promise: ended, resolve: end } = Promise.withResolvers<string>()
  const lose = (reason: string) => {
    gone.abort()
    end(reason)
  }
  connection.on('close', () => lose('the connection was closed'))
  try {
    const channel = await connection.createChannel()
    channel.on('error', (error: Error) => lose(error.message))
    channel.on('close', () => lose('the channel was closed'))
    await channel.prefetch(inFlight)
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) return end('the queue was deleted, or its node is down')
      take(rabbitIncoming(message, { channel, queue, gone: gone.signal }))
    })
    return sessionOf(connection, channel, { ended, consumerTag, gone: gone.signal })
  } catch (error) {
    await connection.close().catch(() => undefined)
    throw setup(queue, error)
  }
}

function sessionOf(
  connection: ChannelModel,
  channel: Channel,
  { ended, consumerTag, gone }: { ended: Promise<string>; consumerTag: string; gone: AbortSignal },
): Session {
  const unlessGone = async (work: () => Promise<unknown>) => {
    if (!gone.aborted) await work().catch(() => undefined) // the connection was lost at this moment
  }
  return {
    ended,
    cancel: () => unlessGone(() => channel.cancel(consumerTag)),
    async close() {
      await unlessGone(() => channel.close()) // resolves after everything that was sent on this channel
      await connection.close().catch(() => undefined)
    },
  }
}

function setup(queue: string, error: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_BROKER_SETUP',
    `Queue "${queue}" cannot be consumed: ${safeTextOfError(error)}. Make the queue before, and allow this user to read it.`,
    { cause: error },
  )
}
