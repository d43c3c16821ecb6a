/** The order of handlers that read the log from JetStream, despite late commits, failures, killed workers and restarts of the broker. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { conflictsIn, orderUnderLoad } from '../faults/order-under-load.ts'
import { openNatsServer, type NatsServer } from '../support/nats-server.ts'
import { openOrderStage } from '../support/order-stage.ts'

const HANDLERS = [
  { name: 'faults.steady', maxAttempts: 50, delivery: 'log', shards: 8 },
  { name: 'faults.second', maxAttempts: 50, delivery: 'log', shards: 5 },
  { name: 'faults.beside', maxAttempts: 50 },
] as const

let nats: NatsServer

beforeAll(async () => {
  nats = await openNatsServer()
})

afterAll(() => nats.remove())

test('each key keeps its order while workers, the relay and the broker are killed', async () => {
  const { stage, seed, serverLog } = await openOrderStage(HANDLERS)

  const report = await orderUnderLoad(stage, {
    workers: 2,
    publishers: 2,
    keys: 20,
    kills: 6,
    killEveryMs: 2_000,
    stops: 0.5,
    seed,
    handlers: HANDLERS,
    worker: () => ({ jetStream: { servers: nats.servers, stream: 'order', partitions: 16 } }),
    async meanwhile(kill) {
      if (kill % 3 === 1) await restarted(kill % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    },
  })

  console.log(`order of the stream: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
  expect(report.failures).toBeGreaterThan(0)
}, 180_000)

test('each key keeps its order while some workers read the stream and others read Postgres', async () => {
  const { stage, seed, serverLog } = await openOrderStage(HANDLERS)
  const jetStream = { servers: nats.servers, stream: 'moved', partitions: 16 }

  const report = await orderUnderLoad(stage, {
    workers: 3,
    publishers: 2,
    keys: 20,
    kills: 7,
    killEveryMs: 1_500,
    stops: 0.6,
    seed,
    handlers: HANDLERS,
    worker: (started) => (started >= 3 && started < 7 ? { jetStream } : {}),
  })

  console.log(`to the stream and back: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
}, 180_000)

async function restarted(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await nats.stop(signal)
  await nats.start()
}
