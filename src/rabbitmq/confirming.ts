/** A channel on which RabbitMQ confirms each message that it has accepted. */
import type { ConfirmChannel, Message, Options } from 'amqplib'
import { PostbusError } from '../errors.ts'
import { headersOf } from '../relay/headers-of.ts'
import type { RelayMessage } from '../relay/message.ts'
import { openRabbit, type RabbitPlace } from './rabbit-place.ts'

export interface Destination {
  readonly exchange: string
  readonly routingKey: string
  readonly isMandatory: boolean
}

export interface Confirming {
  /** Resolves when RabbitMQ is responsible for the message. */
  publish(message: RelayMessage, destination: Destination): Promise<void>
  close(): Promise<void>
}

/** @throws {PostbusError} `POSTBUS_BROKER_UNREACHABLE`. */
export async function openConfirming(
  place: { readonly [Name in keyof RabbitPlace]: RabbitPlace[Name] | undefined },
  onLost: () => void,
): Promise<Confirming> {
  const connection = await openRabbit(place, 'postbus relay')
  connection.on('close', onLost)
  const channel = await connection.createConfirmChannel()
  let problem: Error | null = null
  channel.on('error', (error: Error) => (problem = error)) // for example, the exchange does not exist; the channel then closes
  channel.on('close', () => {
    onLost()
    void connection.close().catch(() => undefined)
  })
  const returned = new Map<string, string>()
  channel.on('return', ({ properties, fields }: Message) =>
    returned.set(String(properties.messageId), reasonIn(fields)),
  )

  return {
    async publish(message, destination) {
      const confirmation = await confirmed(channel, message, destination)
      const reason = returned.get(message.id)
      returned.delete(message.id)
      if (confirmation) throw refused(problem ?? confirmation, destination)
      if (reason !== undefined) throw unroutable(reason, destination)
    },
    close: () => connection.close().catch(() => undefined),
  }
}

/** Resolves with the error if RabbitMQ refuses the message, else with `null`. RabbitMQ returns a message before it confirms it. */
function confirmed(channel: ConfirmChannel, message: RelayMessage, destination: Destination): Promise<Error | null> {
  const { exchange, routingKey } = destination
  const body = typeof message.body === 'string' ? Buffer.from(message.body) : Buffer.from(message.body)
  return new Promise((resolve, reject) => {
    try {
      channel.publish(exchange, routingKey, body, propertiesOf(message, destination), (error: Error | null) =>
        resolve(error),
      )
    } catch (error) {
      reject(error) // the channel is closed
    }
  })
}

function propertiesOf(message: RelayMessage, { isMandatory }: Destination): Options.Publish {
  return {
    persistent: true,
    mandatory: isMandatory,
    messageId: message.id,
    type: message.type,
    contentType: message.contentType,
    timestamp: Math.floor(message.occurredAt.getTime() / 1_000),
    headers: headersOf(message, { prefix: 'cloudEvents_' }),
  }
}

function reasonIn(fields: object): string {
  return 'replyText' in fields ? String(fields.replyText) : 'returned'
}

function unroutable(reason: string, { exchange, routingKey }: Destination): PostbusError {
  return new PostbusError(
    'POSTBUS_BROKER_SETUP',
    `No queue gets what is sent to the exchange "${exchange}" with the routing key "${routingKey}": RabbitMQ returned it (${reason}). ` +
      'Bind a queue, mend `routingKey`, or say `isMandatory: false` if no one need get it.',
  )
}

function refused(error: Error, { exchange }: Destination): Error {
  const about = `RabbitMQ has not confirmed a message for the exchange "${exchange}": ${error.message}.`
  return new PostbusError('POSTBUS_BROKER_UNREACHABLE', `${about} It is sent again.`, { cause: error })
}
