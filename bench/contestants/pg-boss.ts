/** pg-boss used directly: `insert` of lists of 1,000, and loops of `fetch` and `complete`, the fastest way its docs offer. */
import { PgBoss } from 'pg-boss'
import { HOT_KEY, listsOf, type Load } from '../load.ts'
import { orderOf, RECEIVER, type Order } from '../order.ts'
import type { Contestant, Count, OnHandled } from './contestant.ts'

const LIST = 1_000
export const QUEUE = RECEIVER

export type Policy = 'standard' | 'singleton' | 'key_strict_fifo'

interface Setup {
  readonly policy: Policy
  readonly batchSize: number
}

function pgBoss({ policy, batchSize }: Setup): Contestant {
  const keyed = policy === 'standard' ? '' : ' with singletonKey'
  return {
    home: 'pg-boss',
    product: `pg-boss ${policy}`,
    name: `pg-boss ${policy}, fetch(${batchSize})`,
    configuration: `policy ${policy}${keyed}, partition: true; one loop of fetch({ batchSize: ${batchSize} }) and complete(ids), no supervisor`,
    async fill(connectionString, load) {
      const boss = await openBoss(connectionString)
      await boss.createQueue(QUEUE, { policy, partition: true })
      await insertLoad(boss, load, policy !== 'standard')
      await boss.stop({ graceful: false })
    },
    async open(connectionString) {
      const boss = await openBoss(connectionString)
      const stopping = new AbortController()
      let working: Promise<void> = Promise.resolve()
      return {
        start(count, onHandled) {
          working = fetchAndComplete({ boss, batchSize, onHandled, signal: stopping.signal }, count)
        },
        async stop() {
          stopping.abort()
          await working
          await boss.stop({ graceful: false })
        },
      }
    },
  }
}

/** pg-boss without the tasks that it runs on timers: these are not measured. */
export async function openBoss(connectionString: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
  await boss.start()
  return boss
}

export async function insertLoad(boss: PgBoss, load: Load, keyed: boolean): Promise<void> {
  for (const { start, keys } of listsOf(load, LIST)) {
    const orders = keys.map((key, place) => orderOf(key, start + place))
    await boss.insert(QUEUE, orders.map((data) => ({ ...(keyed && { singletonKey: data.orderId }), data }))) // prettier-ignore
  }
}

interface Loop {
  readonly boss: PgBoss
  readonly batchSize: number
  readonly onHandled: OnHandled
  readonly signal: AbortSignal
}

async function fetchAndComplete({ boss, batchSize, onHandled, signal }: Loop, count: Count): Promise<void> {
  while (!signal.aborted) {
    const jobs = await boss.fetch<Order>(QUEUE, { batchSize })
    for (const { data } of jobs) onHandled(data)
    if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    else await boss.complete(QUEUE, jobs.map(({ id }) => id)) // prettier-ignore
    count.done += jobs.length
    count.ofHot += jobs.filter(({ data }) => data.orderId === HOT_KEY).length
  }
}

export const fifo = pgBoss({ policy: 'key_strict_fifo', batchSize: 50 })
export const fifoTuned = pgBoss({ policy: 'key_strict_fifo', batchSize: 500 })
export const singleton = pgBoss({ policy: 'singleton', batchSize: 50 })
export const singletonTuned = pgBoss({ policy: 'singleton', batchSize: 500 })
export const standardTuned = pgBoss({ policy: 'standard', batchSize: 500 })

export const contestants: readonly Contestant[] = [fifo, fifoTuned, singleton, singletonTuned, standardTuned]
