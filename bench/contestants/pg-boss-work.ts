/** pg-boss as its documentation shows it: `createQueue` and `work()`, with the supervisor on. */
import { PgBoss, type WorkOptions } from 'pg-boss'
import { HOT_KEY } from '../load.ts'
import { receivers, type Order } from '../order.ts'
import type { Contestant, Count, OnHandled } from './contestant.ts'
import { insertLoad } from './pg-boss.ts'

interface Setup {
  readonly name: string
  readonly options: WorkOptions
  /** LISTEN/NOTIFY, which pg-boss offers per instance and per queue. */
  readonly notify?: boolean
  readonly queues?: number
}

function pgBossWork(setup: Setup): Contestant {
  const { name, options, notify = false, queues = 1 } = setup
  const listening = notify ? 'useListenNotify: true, queue with notify: true' : 'no LISTEN/NOTIFY, the default'
  return {
    home: 'pg-boss-work',
    product: `pg-boss${notify ? ' with notify' : ''}, ${queues} queue${queues === 1 ? '' : 's'}`,
    name,
    configuration: `work(queue, ${JSON.stringify(options)}, handler) on ${queues} queue${queues === 1 ? '' : 's'}; ${listening}; supervisor and scheduling as by default`,
    async fill(connectionString, load) {
      const boss = await open(connectionString, notify)
      for (const queue of receivers(queues)) await boss.createQueue(queue, { notify })
      await insertLoad(boss, load, false)
      await boss.stop({ graceful: false })
    },
    async open(connectionString) {
      const boss = await open(connectionString, notify)
      return {
        start: (count, onHandled) => void work(boss, setup, handlerFor(count, onHandled)),
        stop: () => boss.stop({ graceful: false }),
      }
    },
  }
}

async function open(connectionString: string, useListenNotify: boolean): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString, useListenNotify })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
  await boss.start()
  return boss
}

async function work(boss: PgBoss, { options, queues = 1 }: Setup, handle: ReturnType<typeof handlerFor>) {
  for (const queue of receivers(queues)) await boss.work(queue, options, handle)
}

/** A job is counted when its handler runs: `work()` completes the job afterwards, without a report. */
function handlerFor(count: Count, onHandled: OnHandled) {
  return async (jobs: readonly { readonly data: Order }[]): Promise<void> => {
    for (const { data } of jobs) onHandled(data)
    count.done += jobs.length
    count.ofHot += jobs.filter(({ data }) => data.orderId === HOT_KEY).length
  }
}

/** Ten jobs at once, and the shortest poll interval that pg-boss allows. Without `batchSize` a worker fetches one job per poll. */
export const asDocumented = pgBossWork({
  name: 'pg-boss work()',
  options: { localConcurrency: 10, pollingIntervalSeconds: 0.5 },
})

/** What pg-boss's documentation offers for a backlog: batches, fetched without a pause as long as they are full. */
export const inBatches = pgBossWork({
  name: 'pg-boss work(), batches of 500',
  options: { localConcurrency: 4, pollingIntervalSeconds: 0.5, batchSize: 500, burstWhenBatchFull: true },
})

export const notified = pgBossWork({
  name: 'pg-boss work(), notified',
  options: { pollingIntervalSeconds: 0.5, batchSize: 50, burstWhenBatchFull: true },
  notify: true,
})

export const idlePolling = pgBossWork({ name: 'pg-boss work(), 5 queues', options: {}, queues: 5 })
export const idleNotified = pgBossWork({
  name: 'pg-boss work(), 5 queues, notified',
  options: {},
  queues: 5,
  notify: true,
})

export const contestants: readonly Contestant[] = [asDocumented, inBatches, notified, idlePolling, idleNotified]
