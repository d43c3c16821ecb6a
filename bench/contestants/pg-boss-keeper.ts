/** pg-boss's own policies as keepers of order: `send` inside the caller's transaction, `fetch`, `complete` and `fail`. */
import type { PgBoss } from 'pg-boss'
import type { Client } from 'pg'
import { openBoss, QUEUE, type Policy } from './pg-boss.ts'
import { PATIENCE_MS, type KeeperOfOrder, type Trace } from './keeper-of-order.ts'

interface Data {
  readonly key: string
  readonly what: string
}

/** After this many empty fetches in a row there is nothing left to fetch besides the busy key. */
const EMPTY_FETCHES = 10

export function pgBossKeeper(policy: Policy): KeeperOfOrder {
  return {
    name: `pg-boss ${policy}`,
    configuration: `policy ${policy}, partition: true, retryLimit 3, retryDelay 1; send({ singletonKey, db }), fetch, complete, fail`,
    async install(connectionString) {
      const boss = await openBoss(connectionString)
      await boss.createQueue(QUEUE, { policy, partition: true, retryLimit: 3, retryDelay: 1 })
      await boss.stop({ graceful: false })
    },
    async open(connectionString) {
      const boss = await openBoss(connectionString)
      return {
        publish: (client, key, what) => send(boss, client, { key, what }),
        handle: (attempts, failing) => handle(boss, attempts, failing),
        handleBeside: (hotKey) => handleBeside(boss, hotKey),
        close: () => boss.stop({ graceful: false }),
      }
    },
  }
}

async function send(boss: PgBoss, client: Client, data: Data): Promise<void> {
  const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) }
  await boss.send(QUEUE, data, { singletonKey: data.key, db })
}

async function handle(boss: PgBoss, attempts: number, failing?: string): Promise<Trace> {
  const trace: string[] = []
  for (let idleSince = performance.now(); trace.length < attempts;) {
    if (performance.now() - idleSince > PATIENCE_MS) break
    const [job] = await boss.fetch<Data>(QUEUE)
    if (!job) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      continue
    }
    const fails = job.data.what === failing && !trace.includes(`${job.data.what}✗`)
    await (fails ? boss.fail(QUEUE, job.id) : boss.complete(QUEUE, job.id))
    trace.push(fails ? `${job.data.what}✗` : job.data.what)
    idleSince = performance.now()
  }
  return trace
}

async function handleBeside(boss: PgBoss, hotKey: string): Promise<number> {
  const [busy] = await boss.fetch<Data>(QUEUE)
  if (busy?.data.key !== hotKey) throw new Error('Expected the first job to be of the hot key.')
  let handled = 0
  for (let empty = 0; empty < EMPTY_FETCHES;) {
    const jobs = await boss.fetch<Data>(QUEUE, { batchSize: 50 })
    empty = jobs.length === 0 ? empty + 1 : 0
    if (jobs.length > 0) await boss.complete(QUEUE, jobs.map(({ id }) => id)) // prettier-ignore
    handled += jobs.length
  }
  return handled
}
