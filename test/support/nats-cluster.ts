/** A cluster of three real nats-servers with JetStream. A test can kill each of them. */
import { connect } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { brokerProcess, type BrokerProcess } from './broker-process.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export interface NatsCluster {
  readonly servers: readonly string[]
  readonly nodes: readonly BrokerProcess[]
  remove(): Promise<void>
}

const NODES = 3

export async function openNatsCluster(): Promise<NatsCluster> {
  const ports: number[] = []
  while (ports.length < 2 * NODES) ports.push(await freePort())
  const [clients, routes] = [ports.slice(0, NODES), ports.slice(NODES)]
  const servers = clients.map((port) => `nats://127.0.0.1:${port}`)
  const joined = routes.map((port) => `nats://127.0.0.1:${port}`).join(',')
  const nodes = await Promise.all(
    clients.map((port, place) => aNode({ place, port, route: routes[place] ?? 0, joined })),
  )
  await Promise.all(nodes.map((node) => node.start()))
  const connection = await connect({ servers: [...servers], maxReconnectAttempts: -1 })
  await until('the cluster has a leader', async () => jetstreamManager(connection).then(() => true, () => false), 60_000) // prettier-ignore
  await connection.close()
  return { servers, nodes, remove: async () => void (await Promise.all(nodes.map((node) => node.remove()))) }
}

interface NodeParts {
  readonly place: number
  readonly port: number
  readonly route: number
  readonly joined: string
}

function aNode({ place, port, route, joined }: NodeParts): Promise<BrokerProcess> {
  return brokerProcess({
    name: `nats-server-${place}`,
    path: '/usr/sbin/nats-server',
    install: 'apt-get install nats-server',
    words: (folder) =>
      [
        ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', folder],
        ['--server_name', `node-${place}`, '--cluster_name', 'test'],
        ['--cluster', `nats://127.0.0.1:${route}`, '--routes', joined],
      ].flat(),
    async isUp() {
      const connection = await connect({
        servers: `nats://127.0.0.1:${port}`,
        maxReconnectAttempts: 0,
        timeout: 1_000,
      }).catch(() => null)
      await connection?.close()
      return connection !== null
    },
  })
}
