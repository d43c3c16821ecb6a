/** pg-boss used directly: `insert` of lists of 1,000, and loops of `fetch` and `complete`, the fastest way its docs offer. */
import { PgBoss } from 'pg-boss'
import { HOT_KEY, listsOf, type Load } from '../load.ts'
import type { Contestant, Count } from './contestant.ts'

const LIST = 1_000
export const QUEUE = 'bench'

export type Policy = 'singleton' | 'key_strict_fifo'

interface Setup {
  readonly policy: Policy
  readonly batchSize: number
}

export function pgBoss({ policy, batchSize }: Setup): Contestant {
  return {
    product: `pg-boss ${policy}`,
    name: `pg-boss ${policy}, fetch(${batchSize})`,
    configuration: `policy ${policy} with singletonKey, partition: true; one loop of fetch({ batchSize: ${batchSize} }) and complete(ids), no supervisor`,
    async fill(connectionString, load) {
      const boss = await openBoss(connectionString)
      await boss.createQueue(QUEUE, { policy, partition: true })
      await insertLoad(boss, load)
      await boss.stop({ graceful: false })
    },
    async open(connectionString) {
      const boss = await openBoss(connectionString)
      const stopping = new AbortController()
      let working: Promise<void> = Promise.resolve()
      return {
        start(count) {
          working = fetchAndComplete({ boss, batchSize, signal: stopping.signal }, count)
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

/** pg-boss without what runs on timers: nothing of that is measured. */
export async function openBoss(connectionString: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString, supervise: false, schedule: false })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
  await boss.start()
  return boss
}

export async function insertLoad(boss: PgBoss, load: Load): Promise<void> {
  for (const { start, keys } of listsOf(load, LIST)) {
    await boss.insert(
      QUEUE,
      keys.map((key, place) => ({ singletonKey: key, data: someData(key, start + place) })),
    )
  }
}

/** As much as the events of the other contestants hold. */
function someData(key: string, place: number) {
  const placedAt = '2026-01-01T12:00:00.000Z'
  return { orderId: key, customerId: `customer-${place % 1_000}-of-the-bench`, total: place, placedAt }
}

interface Loop {
  readonly boss: PgBoss
  readonly batchSize: number
  readonly signal: AbortSignal
}

async function fetchAndComplete({ boss, batchSize, signal }: Loop, count: Count): Promise<void> {
  while (!signal.aborted) {
    const jobs = await boss.fetch<{ orderId: string }>(QUEUE, { batchSize })
    if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    else await boss.complete(QUEUE, jobs.map(({ id }) => id)) // prettier-ignore
    count.done += jobs.length
    count.ofHot += jobs.filter(({ data }) => data.orderId === HOT_KEY).length
  }
}
