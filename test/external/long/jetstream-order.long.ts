/** The order of handlers that read the log from JetStream, for five minutes, with kills of workers every five seconds and of brokers every ten. */
import { expect, onTestFinished, test } from 'vitest'
import { conflictsIn, FIVE_MINUTES, orderUnderLoad } from '../../faults/order-under-load.ts'
import { openNatsCluster } from '../../support/nats-cluster.ts'
import { openNatsServer } from '../../support/nats-server.ts'
import { openOrderStage } from '../../support/order-stage.ts'

const HANDLERS = [
  { name: 'faults.steady', maxAttempts: 1_000, delivery: 'log', shards: 16 },
  { name: 'faults.second', maxAttempts: 1_000, delivery: 'log', shards: 5 },
  { name: 'faults.beside', maxAttempts: 1_000 },
] as const

test.each([20, 5_000])('%i keys keep their order while workers and a NATS server are killed', async (keys) => {
  const nats = await openNatsServer()
  onTestFinished(() => nats.remove())
  const problems = await ordered(keys, { servers: nats.servers, stream: 'order', partitions: 64 }, async (kill) => {
    if (kill % 2 === 0) return
    await nats.stop(kill % 4 === 1 ? 'SIGKILL' : 'SIGTERM')
    await nats.start()
  })

  expect(problems).toEqual([])
})

test('keys keep their order while workers and the servers of a cluster are killed', async () => {
  const cluster = await openNatsCluster()
  onTestFinished(() => cluster.remove())
  const engine = { servers: cluster.servers, stream: 'order', partitions: 64, replicas: 3 }
  const problems = await ordered(200, engine, async (kill) => {
    const node = cluster.nodes[kill % cluster.nodes.length]
    if (kill % 2 === 0) return
    await node?.stop('SIGKILL')
    await node?.start()
  })

  expect(problems).toEqual([])
})

interface Engine {
  readonly servers: string | readonly string[]
  readonly stream: string
  readonly partitions: number
  readonly replicas?: number
}

async function ordered(
  keys: number,
  engine: Engine,
  meanwhile: (kill: number) => Promise<void>,
): Promise<readonly string[]> {
  const { stage, seed, serverLog } = await openOrderStage(HANDLERS, 300)

  const report = await orderUnderLoad(stage, {
    ...FIVE_MINUTES,
    keys,
    seed,
    handlers: HANDLERS,
    worker: () => ({ jetStream: engine }),
    meanwhile,
  })

  console.log(`order of the stream: ${keys} keys, seed ${seed}: ${JSON.stringify(report)}`)
  return [...report.problems, ...conflictsIn(await serverLog())]
}
