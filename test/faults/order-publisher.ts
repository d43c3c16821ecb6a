/**
 * A publisher process of the order run: several transactions at once, which take the row lock of a key in another order than
 * they began, commit late, roll back in part or as a whole, or publish without the lock. Ends its transactions on SIGTERM.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Pool, type PoolClient } from 'pg'
import { createBus, type Bus } from '../../src/index.ts'
import { seeded } from './kills-under-load.ts'
import { STEADY, TaskAdded, tracedHandler, type TracedHandler } from './tasks.ts'

export interface OrderPublisherSettings {
  readonly connectionString: string
  readonly seed: number
  readonly keys: number
  /** Transactions at once. */
  readonly transactions: number
  /** Waits while more deliveries than this are not finished. */
  readonly maxWaiting: number
  /** Chooses another key while more deliveries of a key are not finished: those behind a killed run must be done in seconds. */
  readonly maxWaitingPerKey: number
  /** The handlers that get all events. Default: one handler with deliveries. */
  readonly handlers?: readonly TracedHandler[]
}

interface Publisher {
  readonly tx: PoolClient
  readonly random: () => number
  /** A key; the first ones are chosen far more often than the last. */
  readonly key: () => string
}

const settings = JSON.parse(process.argv[2] ?? '{}') as OrderPublisherSettings
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())

const { connectionString, handlers = [STEADY] } = settings
const pool = new Pool({ connectionString, max: settings.transactions + 1 })
const bus: Bus = createBus({
  connectionString,
  handlers: handlers.map((handler) => tracedHandler(handler, async () => undefined)),
  onSignal: () => undefined,
})
await Promise.all(Array.from({ length: settings.transactions }, (_, index) => publishAllTheTime(settings.seed + index)))
await bus.close()
await pool.end()

async function publishAllTheTime(seed: number): Promise<void> {
  const random = seeded(seed)
  const key = zipf(settings.keys, random)
  const tx = await pool.connect()
  while (!stopping.signal.aborted) {
    await transaction({ tx, random, key })
    await keptUp()
  }
  tx.release()
}

async function transaction(publisher: Publisher): Promise<void> {
  const { tx, random } = publisher
  const key = await keyWithRoom(publisher)
  await tx.query('begin')
  await tx.query('select now()')
  await delay(random() * 10) // transactions that begin now may get the lock first
  const isLate = random() < 0.1
  await (isLate ? publish(publisher, key, false) : publishUnderLock(publisher, key))
  if (isLate) await delay(50 + random() * 250)
  else if (random() < 0.05) await delay(100)
  await tx.query(random() < 0.1 ? 'rollback' : 'commit')
}

async function publishUnderLock(publisher: Publisher, key: string): Promise<void> {
  const { tx, random } = publisher
  await tx.query('select from entity where key = $1 for update', [key])
  for (let events = Math.floor(random() * 3) + 1; events > 0; events -= 1) {
    await tx.query('savepoint part')
    await publish(publisher, key, true)
    await tx.query(`${random() < 0.15 ? 'rollback to' : 'release'} savepoint part`)
  }
}

/** The table `published` holds what was committed, even if this process dies before it knows. */
async function publish({ tx, random }: Publisher, key: string, isLocked: boolean): Promise<void> {
  const { rows } = await tx.query<{ turn: number | null }>(
    isLocked
      ? 'update entity set turns = turns + 1 where key = $1 returning turns as turn'
      : 'select null as turn from entity where key = $1',
    [key],
  )
  const turn = rows[0]?.turn ?? null
  const ms = random() < 0.03 ? 300 : random() * 8
  const task = TaskAdded({
    key,
    turn,
    ms,
    failures: random() < 0.08 ? 1 : 0,
    for: handlers.length > 1 ? '*' : STEADY.name,
  })
  await bus.publish(task, { tx })
  await tx.query('insert into published (event_id, key, turn) values ($1, $2, $3)', [task.id, key, turn])
}

async function keptUp(): Promise<void> {
  while (!stopping.signal.aborted && ((await isFull(`state < 'completed'`, settings.maxWaiting)) || (await isUnread())))
    await delay(50)
}

/** Returns true if handlers that read the log are more than `maxWaiting` events behind. */
async function isUnread(): Promise<boolean> {
  if (!handlers.some(({ delivery }) => delivery === 'log')) return false
  const { rows } = await pool.query(
    `select from postbus.event where seq > (select min(position) from postbus.log_cursor) offset $1 limit 1`,
    [settings.maxWaiting],
  )
  return rows.length > 0
}

async function keyWithRoom({ key }: Publisher): Promise<string> {
  for (;;) {
    const chosen = key()
    const waiting = `state < 'completed' and singleton_key = '${STEADY.name}:${chosen}'`
    if (stopping.signal.aborted || !(await isFull(waiting, settings.maxWaitingPerKey))) return chosen
    await delay(5)
  }
}

async function isFull(waiting: string, limit: number): Promise<boolean> {
  const { rows } = await pool.query(`select from pgboss.job where ${waiting} limit $1`, [limit])
  return rows.length >= limit
}

function zipf(keys: number, random: () => number): () => string {
  let total = 0
  const upTo = Array.from({ length: keys }, (_, index) => (total += 1 / (index + 1)))
  return () => {
    const chosen = random() * total
    return `key ${upTo.findIndex((sum) => sum >= chosen)}`
  }
}
