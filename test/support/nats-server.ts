/** A real nats-server with JetStream: the program itself, which must be installed. */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream'
import { brokerProcess, type BrokerProcess } from './broker-process.ts'
import { freePort } from './free-port.ts'

export interface NatsServer extends BrokerProcess {
  readonly servers: string
  /** Opens a connection for the test itself. */
  connect(): Promise<NatsClient>
}

export interface NatsClient {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

export async function openNatsServer(): Promise<NatsServer> {
  const port = await freePort()
  const servers = `nats://127.0.0.1:${port}`
  const connectTo = (limits: { maxReconnectAttempts?: number; timeout?: number } = {}) =>
    connect({ servers, reconnectTimeWait: 100, maxReconnectAttempts: -1, ...limits })
  const broker = await brokerProcess({
    name: 'nats-server',
    path: '/usr/sbin/nats-server',
    install: 'apt-get install nats-server',
    words: (folder) => ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', folder],
    isUp: async () => {
      const connection = await connectTo({ maxReconnectAttempts: 0, timeout: 1_000 }).catch(() => null)
      const isUp = connection !== null && (await jetstreamManager(connection).then(() => true, () => false)) // prettier-ignore
      await connection?.close()
      return isUp
    },
  })
  await broker.start()
  return {
    ...broker,
    servers,
    async connect() {
      const connection = await connectTo()
      return { connection, client: jetstream(connection), manager: await jetstreamManager(connection) }
    },
  }
}
