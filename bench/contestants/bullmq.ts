/** BullMQ on Redis: `addBulk` of lists of 1,000, and a `Worker`. It has no transaction in common with data in Postgres. */
import { Queue, Worker } from 'bullmq'
import { HOT_KEY, listsOf } from '../load.ts'
import { orderOf, receivers, RECEIVER, type Order } from '../order.ts'
import type { Contestant } from './contestant.ts'
import { bringRedis, REDIS_SAYS } from './redis-server.ts'

const LIST = 1_000

interface Setup {
  readonly name: string
  readonly concurrency: number
  readonly queues?: number
}

function bullmq({ name, concurrency, queues = 1 }: Setup): Contestant {
  return {
    home: 'bullmq',
    product: 'bullmq',
    name,
    configuration: `Worker({ concurrency: ${concurrency}, removeOnComplete: { count: 1000 } }) on ${queues} queue${queues === 1 ? '' : 's'}; ${REDIS_SAYS}`,
    bring: bringRedis,
    async fill(connectionString, load) {
      const queue = new Queue(RECEIVER, { connection: { url: connectionString } })
      for (const { start, keys } of listsOf(load, LIST)) {
        await queue.addBulk(keys.map((key, place) => ({ name: RECEIVER, data: orderOf(key, start + place) })))
      }
      await queue.close()
    },
    async open(connectionString) {
      const listener = { onHandled: (_order: Order) => {} }
      const workers = receivers(queues).map(
        (queue) =>
          new Worker<Order>(queue, async ({ data }) => listener.onHandled(data), {
            connection: { url: connectionString, maxRetriesPerRequest: null },
            concurrency,
            removeOnComplete: { count: 1_000 },
            autorun: false,
          }),
      )
      await Promise.all(workers.map((worker) => worker.waitUntilReady()))
      return {
        start(count, onHandled) {
          listener.onHandled = onHandled
          for (const worker of workers) {
            worker.on('completed', ({ data }) => {
              count.done += 1
              if (data.orderId === HOT_KEY) count.ofHot += 1
            })
            worker.on('error', (error) => process.stderr.write(`bullmq: ${error.message}\n`))
            void worker.run()
          }
        },
        stop: async () => void (await Promise.all(workers.map((worker) => worker.close(true)))),
      }
    },
  }
}

/** BullMQ's documentation names no number; of 10, 50, 200 and 500, 500 was the fastest here. */
export const bullmqFast = bullmq({ name: 'BullMQ', concurrency: 500 })
export const bullmqIdle = bullmq({ name: 'BullMQ, 5 queues', concurrency: 50, queues: 5 })

export const contestants: readonly Contestant[] = [bullmqFast, bullmqIdle]
