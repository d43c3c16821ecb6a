/** graphile-worker: `addJobs` of lists of 1,000, and `run()` as its quickstart shows it or as its page on performance advises. */
import { EventEmitter } from 'node:events'
import { Logger, makeWorkerUtils, run, type RunnerOptions } from 'graphile-worker'
import { Client } from 'pg'
import { HOT_KEY, listsOf } from '../load.ts'
import { orderOf, receivers, type Order } from '../order.ts'
import type { Contestant, OnHandled } from './contestant.ts'

const LIST = 1_000

interface Setup {
  readonly name: string
  readonly options: Pick<RunnerOptions, 'preset' | 'concurrency' | 'pollInterval'>
  readonly says: string
  /** True if each job is put into a queue named after its key, which runs one job at a time, in order. */
  readonly named?: boolean
  readonly tasks?: number
}

const QUICKSTART = {
  options: { concurrency: 5, pollInterval: 1_000 },
  says: 'run({ concurrency: 5, pollInterval: 1000, taskList }) as in its quickstart',
}

/** The configuration behind the figures on its performance page, with all of its batching on. */
const TUNED = {
  options: {
    preset: {
      worker: {
        concurrentJobs: 24,
        maxPoolSize: 25,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  },
  says: 'run() with concurrentJobs 24, maxPoolSize 25, localQueue.size 500, completeJobBatchDelay 0, failJobBatchDelay 0: the configuration of the figures on its page about performance',
}

function graphileWorker({ name, options, says, named = false, tasks = 1 }: Setup): Contestant {
  const queueName = named ? '; addJobs with queueName = key' : ''
  return {
    home: 'graphile-worker',
    product: `graphile-worker${named ? ', named queues' : ''}`,
    name,
    configuration: `${says}; ${tasks} task${tasks === 1 ? '' : 's'}; it logs only what goes wrong${queueName}`,
    async fill(connectionString, load) {
      const utils = await makeWorkerUtils({ connectionString, logger: quiet() })
      await utils.migrate()
      for (const { start, keys } of listsOf(load, LIST)) {
        const payloads = keys.map((key, place) => orderOf(key, start + place))
        await utils.addJobs(payloads.map((payload) => ({ ...taskOf(payload), ...(named && { queueName: payload.orderId }) }))) // prettier-ignore
      }
      await utils.release()
    },
    async isSettled(connectionString) {
      const client = new Client({ connectionString })
      await client.connect()
      const { rows } = await client.query('select from graphile_worker._private_jobs limit 1')
      await client.end()
      return rows.length === 0
    },
    async open(connectionString) {
      await (await makeWorkerUtils({ connectionString, logger: quiet() })).release()
      const events = new EventEmitter()
      const listener = { onHandled: (_order: Order) => {} }
      let stop = async () => {}
      return {
        start(count, onHandled) {
          listener.onHandled = onHandled
          events.on('job:success', ({ job }: { job: { payload: Order } }) => {
            count.done += 1
            if (job.payload.orderId === HOT_KEY) count.ofHot += 1
          })
          const taskList = taskListFor((order) => listener.onHandled(order), tasks)
          const running = run({
            ...options,
            connectionString,
            taskList,
            events,
            logger: quiet(),
            noHandleSignals: true,
          })
          stop = async () => (await running).stop()
          running.catch((error: unknown) => process.stderr.write(`graphile-worker: ${String(error)}\n`))
        },
        stop: () => stop(),
      }
    },
  }
}

function taskOf(payload: Order) {
  return { identifier: receivers(1)[0] ?? '', payload }
}

function taskListFor(onHandled: OnHandled, tasks: number) {
  const handle = async (payload: unknown) => {
    if (isOrder(payload)) onHandled(payload)
  }
  return Object.fromEntries(receivers(tasks).map((name) => [name, handle]))
}

function isOrder(payload: unknown): payload is Order {
  return typeof payload === 'object' && payload !== null && 'total' in payload
}

/** graphile-worker's default logger prints a line for each job, and that work would be measured too. */
function quiet(): Logger {
  return new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') process.stderr.write(`graphile-worker: ${message}\n`)
  })
}

export const graphileDefault = graphileWorker({ name: 'graphile-worker', ...QUICKSTART })
export const graphileTuned = graphileWorker({ name: 'graphile-worker tuned', ...TUNED })
export const graphileNamed = graphileWorker({ name: 'graphile-worker, named queues', ...QUICKSTART, named: true })
export const graphileNamedTuned = graphileWorker({ name: 'graphile-worker tuned, named queues', ...TUNED, named: true })
export const graphileIdle = graphileWorker({ name: 'graphile-worker, 5 tasks', ...QUICKSTART, tasks: 5 })
export const graphileIdleTuned = graphileWorker({ name: 'graphile-worker tuned, 5 tasks', ...TUNED, tasks: 5 })

export const contestants: readonly Contestant[] = [
  graphileDefault,
  graphileTuned,
  graphileNamed,
  graphileNamedTuned,
  graphileIdle,
  graphileIdleTuned,
]
