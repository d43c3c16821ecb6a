/** A real rabbitmq-server: the program itself, which must be installed. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { connect, type ChannelModel } from 'amqplib'
import { brokerProcess, type BrokerProcess } from './broker-process.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

export interface RabbitServer extends BrokerProcess {
  readonly url: string
  /** Opens a connection for the test itself. */
  connect(): Promise<ChannelModel>
}

export async function openRabbitServer(): Promise<RabbitServer> {
  const [port, distribution, names] = [await freePort(), await freePort(), await freePort()]
  const url = `amqp://127.0.0.1:${port}`
  const connectTo = async () => {
    const connection = await connect(url)
    connection.on('error', () => undefined) // the test kills the server
    return connection
  }
  const broker = await brokerProcess({
    name: 'rabbitmq-server',
    path: '/usr/lib/rabbitmq/bin/rabbitmq-server', // Debian's own command changes the user and the folder
    install: 'apt-get install rabbitmq-server',
    words: () => [],
    env: (folder) => ({
      HOME: folder, // Erlang's cookie is created here
      ERL_EPMD_PORT: String(names),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `postbus-${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
      RABBITMQ_LOG_BASE: `${folder}/log`,
      RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/enabled_plugins`,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none', // does not keep a CPU core busy
    }),
    // Erlang's name server is a process of its own, which keeps running.
    onRemoved: () => run('epmd', ['-port', String(names), '-kill']).catch(() => undefined),
    isUp: async () => {
      const connection = await connectTo().catch(() => null)
      await connection?.close().catch(() => undefined)
      return connection !== null
    },
  })
  await broker.start()
  return { ...broker, url, connect: connectTo }
}
