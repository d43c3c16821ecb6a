/** Where the NATS servers are, and who owns the connection to them. */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'

/** Give exactly one of the three. */
export interface NatsPlace {
  /** `nats://localhost:4222`, or a list. Postbus opens the connection, restores it when it is lost, and closes it. */
  readonly servers?: string | readonly string[]
  /** Opens the connection, with any option of NATS: `() => connect({ servers, token, maxReconnectAttempts: -1 })`. Postbus closes it. */
  readonly connect?: () => Promise<NatsConnection>
  /** A connection that the application opens and closes itself. Make it with `maxReconnectAttempts: -1`, or it is lost after some tries. */
  readonly connection?: NatsConnection
}

/** A connection in use. */
export interface OpenNats {
  readonly connection: NatsConnection
  /** Closes the connection, if it was opened here. */
  close(): Promise<void>
}

const SERVERS = z.string().min(1)

export const natsPlace = {
  servers: z.union([SERVERS, z.array(SERVERS).min(1).readonly()]).optional(),
  connect: z
    .custom<() => Promise<NatsConnection>>((value) => typeof value === 'function', 'expected a function')
    .optional(),
  connection: z
    .custom<NatsConnection>((value) => typeof value === 'object' && value !== null, 'expected a connection')
    .optional(),
}

interface GivenPlace {
  readonly servers?: NatsPlace['servers'] | undefined
  readonly connect?: NatsPlace['connect'] | undefined
  readonly connection?: NatsConnection | undefined
}

export function isOnePlace({ servers, connect: connects, connection }: GivenPlace): boolean {
  return [servers, connects, connection].filter((given) => given !== undefined).length === 1
}

export const ONE_PLACE = 'expected one of `servers`, `connect` and `connection`'

/** @throws {PostbusError} `POSTBUS_BROKER_UNREACHABLE`. */
export async function openNats(place: GivenPlace, name: string): Promise<OpenNats> {
  if (place.connection) return { connection: place.connection, close: () => Promise.resolve() }
  try {
    const connection = await (place.connect?.() ?? connectTo(place.servers, name))
    return { connection, close: () => connection.close() }
  } catch (error) {
    throw new PostbusError(
      'POSTBUS_BROKER_UNREACHABLE',
      `NATS cannot be reached: ${safeTextOfError(error)}. Check \`servers\`, and that they are up.`,
      { cause: error },
    )
  }
}

function connectTo(servers: NatsPlace['servers'], name: string): Promise<NatsConnection> {
  const list = typeof servers === 'string' ? [servers] : [...(servers ?? [])]
  return connect({ servers: list, name, maxReconnectAttempts: -1, reconnectTimeWait: 500 })
}
