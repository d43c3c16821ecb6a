/**
 * Publishers that no fault stops: each transaction takes the lock of a key, publishes, writes a row of its own beside the event, and
 * commits or rolls back. After a failure it is unknown how far the transaction came. It is repeated with the same event, or given up.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { seeded } from '../kills-under-load.ts'
import { TaskAdded } from '../tasks.ts'
import { KEYS, type World } from './world.ts'

const PUBLISHERS = 6
const MOST_WAITING = 300

export interface Publishers {
  /** Ends their transactions. Returns the events of all commits that were acknowledged. */
  stop(): Promise<ReadonlySet<string>>
}

export async function startPublishers(world: World, seed: number): Promise<Publishers> {
  const over = new AbortController()
  const acknowledged = new Set<string>()
  const publishing = Array.from({ length: PUBLISHERS }, async (_, index) => {
    const random = seeded(seed + 1 + index)
    let client: Client | null = null
    let again: Event | null = null
    while (!over.signal.aborted) {
      const event: Event = again ?? anEvent(random)
      again = null
      try {
        client ??= await connected(world)
        if (await published(client, event, world, random)) acknowledged.add(event.id)
        await keptUp(client, over.signal)
      } catch {
        if (random() < 0.7) again = event
        await client?.end().catch(() => undefined)
        client = null
        await delay(50)
      }
    }
    await client?.end().catch(() => undefined)
  })
  return {
    async stop() {
      over.abort()
      await Promise.all(publishing)
      return acknowledged
    },
  }
}

type Event = ReturnType<typeof TaskAdded>

function anEvent(random: () => number): Event {
  const key = random() < 0.25 ? null : `key ${Math.floor(random() ** 2 * KEYS)}`
  return TaskAdded({ for: '*', key, ms: random() < 0.03 ? 1_500 : random() * 30, failures: random() < 0.05 ? 1 : 0 })
}

async function connected({ proxy, stage }: World): Promise<Client> {
  const connectionString = proxy.through(stage.connectionString)
  const client = new Client({ connectionString, connectionTimeoutMillis: 2_000, query_timeout: 4_000 })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Returns true if the event was committed and the commit was acknowledged. */
async function published(tx: Client, event: Event, { stage }: World, random: () => number): Promise<boolean> {
  const { key } = event.data
  await tx.query('begin')
  const { rows } = await tx.query<{ turn: number }>(
    'update entity set turns = turns + 1 where key = $1 returning turns as turn',
    [key],
  )
  const { events } = await stage.bus.publish(event, { tx })
  if (events[0]?.duplicate === false) {
    await tx.query('insert into published (event_id, key, turn) values ($1, $2, $3)', [
      event.id,
      key ?? '',
      rows[0]?.turn ?? null,
    ])
  }
  if (random() < 0.2) await delay(random() * 30)
  if (random() < 0.05) {
    await tx.query('rollback')
    return false
  }
  await tx.query('commit')
  return true
}

async function keptUp(client: Client, over: AbortSignal): Promise<void> {
  const isFull = async () =>
    (await client.query(`select from pgboss.job where state < 'completed' limit ${MOST_WAITING}`)).rowCount ===
    MOST_WAITING
  await delay(60)
  while (!over.aborted && (await isFull())) await delay(100)
}
