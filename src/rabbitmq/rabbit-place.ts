/** Where RabbitMQ is, and how a connection to it is made. */
import { connect, type ChannelModel } from 'amqplib'
import { z } from 'zod'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'

/**
 * Give exactly one of the two. An existing connection of the application cannot be given: an AMQP connection does not come back when it is
 * lost, so Postbus has to open a new one each time.
 */
export interface RabbitPlace {
  /** `amqp://user:password@localhost:5672/vhost`. */
  readonly url?: string
  /** Opens a connection, with any option of RabbitMQ: `() => connect(url, { ca })`. Postbus closes it. */
  readonly connect?: () => Promise<ChannelModel>
}

export const rabbitPlace = {
  url: z.string().min(1).optional(),
  connect: z
    .custom<() => Promise<ChannelModel>>((value) => typeof value === 'function', 'expected a function')
    .optional(),
}

interface GivenPlace {
  readonly url?: string | undefined
  readonly connect?: (() => Promise<ChannelModel>) | undefined
}

export function isOnePlace({ url, connect: connects }: GivenPlace): boolean {
  return (url === undefined) !== (connects === undefined)
}

export const ONE_PLACE = 'expected one of `url` and `connect`'
const CONNECT_TIMEOUT_MS = 10_000

/** @throws {PostbusError} `POSTBUS_BROKER_UNREACHABLE`. */
export async function openRabbit(place: GivenPlace, name: string): Promise<ChannelModel> {
  try {
    const connection = await (place.connect?.() ?? connectTo(place.url ?? '', name))
    connection.on('error', () => undefined) // the connection then closes, and we watch for that
    return connection
  } catch (error) {
    throw new PostbusError(
      'POSTBUS_BROKER_UNREACHABLE',
      `RabbitMQ cannot be reached: ${safeTextOfError(error)}. Check \`url\`, and that it is up.`,
      { cause: error },
    )
  }
}

function connectTo(url: string, name: string): Promise<ChannelModel> {
  return connect(url, { timeout: CONNECT_TIMEOUT_MS, clientProperties: { connection_name: name } })
}
