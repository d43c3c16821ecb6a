/**
 * Adds a handler while the shop is busy: with a history of events, publishers of both releases on the same keys, transactions that
 * commit late, and workers that are killed. Then compares the handler's runs with the order of the keys' row locks.
 */
import { Client } from 'pg'
import { createBus, type Bus } from '../../src/index.ts'
import type { Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import type { WorkerProcess } from '../support/worker-process.ts'
import { TaskAdded, tracedHandler, type TracedHandler } from './tasks.ts'

export const LATE: TracedHandler = { name: 'faults.late', maxAttempts: 1_000, backfillFollowMs: 3_000 }

export interface BackfillLoad {
  readonly keys: number
  readonly history: number
  readonly live: number
  readonly workers: number
  readonly kills: number
}

export interface BackfillReport {
  readonly published: number
  readonly handled: number
  readonly repeated: number
  readonly problems: readonly string[]
}

/** Publishes while it holds the lock of the key's row. The key's turn is counted under that lock. */
class KeyedPublisher {
  readonly #buses: readonly Bus[]
  readonly #client: Client

  constructor(buses: readonly Bus[], client: Client) {
    this.#buses = buses
    this.#client = client
  }

  async publish(key: string, heldMs: number): Promise<void> {
    await this.#client.query('begin')
    const { rows } = await this.#client.query<{ turn: number }>(
      'insert into turns (key) values ($1) on conflict (key) do update set turn = turns.turn + 1 returning turn',
      [key],
    )
    const bus = this.#buses[Math.floor(Math.random() * this.#buses.length)]
    await bus?.publish(TaskAdded({ key, turn: rows[0]?.turn ?? null, for: LATE.name }), { tx: this.#client })
    if (heldMs > 0) await new Promise((resolve) => setTimeout(resolve, heldMs))
    await this.#client.query('commit')
  }
}

export async function backfillUnderLoad(stage: Stage, load: BackfillLoad): Promise<BackfillReport> {
  const { connectionString } = stage
  await stage.database.query('create table turns (key text primary key, turn integer not null default 0)')
  const quiet = { connectionString, onSignal: () => undefined }
  const old = createBus({ ...quiet, source: 'old', handlers: [] })
  const knowing = createBus({ ...quiet, source: 'knowing', handlers: [tracedHandler(LATE, async () => undefined)] })
  const clients = await Promise.all(Array.from({ length: 4 }, () => connected(connectionString)))
  try {
    await publishHistory(stage, old, load)
    const workers = await Promise.all(Array.from({ length: load.workers }, () => stage.worker()))
    const publishing = publishAll(
      clients.map((client) => new KeyedPublisher([old, knowing], client)),
      load.live,
      load.keys,
    )
    const killed = await killSome(stage, workers, load)
    await publishing
    await handled(stage)
    return await report(stage, killed)
  } finally {
    await Promise.all(clients.map((client) => client.end()))
    await Promise.all([old.close(), knowing.close()])
  }
}

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString })
  await client.connect()
  return client
}

/** Publishes the history in lists, one after the other, before any other publisher starts. */
async function publishHistory(stage: Stage, bus: Bus, { history, keys }: BackfillLoad): Promise<void> {
  const events = Array.from({ length: history }, (_, n) =>
    TaskAdded({ key: `key ${n % keys}`, turn: Math.floor(n / keys), for: LATE.name }),
  )
  for (let n = 0; n < events.length; n += 1_000) await bus.publish(events.slice(n, n + 1_000))
  await stage.database.query(
    `insert into turns select partition_key, max((payload -> 'json' ->> 'turn')::integer) from postbus.event group by 1`,
  )
}

/** Publishes `count` events in all. Every twentieth is committed late. */
async function publishAll(publishers: readonly KeyedPublisher[], count: number, keys: number): Promise<void> {
  let left = count
  await Promise.all(
    publishers.map(async (publisher) => {
      while (left > 0) {
        left -= 1
        await publisher.publish(`key ${left % keys}`, left % 20 === 0 ? 100 : 0)
      }
    }),
  )
}

/** Kills a worker each time the backfill has done another share of its work, so always in the middle of it. */
async function killSome(
  stage: Stage,
  workers: readonly WorkerProcess[],
  { kills, history }: BackfillLoad,
): Promise<ReadonlySet<number>> {
  const killed = new Set<number>()
  for (let kill = 1; kill <= kills; kill += 1) {
    await until(
      'the backfill has come on',
      async () => {
        const { rows } = await stage.database.query<{ delivered: string }>('select delivered from postbus.backfill')
        return Number(rows[0]?.delivered ?? 0) >= (history * kill) / (kills + 2)
      },
      1_200_000,
    )
    const victim = workers[kill % workers.length]
    victim?.kill('SIGKILL')
    killed.add(victim?.pid ?? 0)
    await stage.worker({ wait: false })
  }
  return killed
}

/** Waits until the backfill has ended, and no delivery of it or of a publisher waits any more. */
async function handled(stage: Stage): Promise<void> {
  await until(
    'the backfill is done',
    async () => {
      const { rows } = await stage.database.query(`select from postbus.backfill where state = 'done'`)
      return rows.length > 0
    },
    1_800_000,
  )
  await stage.settled(1_800_000)
}

/** An event begins twice only if the worker that had begun it was killed. */
async function report(stage: Stage, killed: ReadonlySet<number>): Promise<BackfillReport> {
  const { rows } = await stage.database.query<{ id: string; turn: number }>(
    `select id, (payload -> 'json' ->> 'turn')::integer as turn from postbus.event`,
  )
  const turnOf = new Map(rows.map(({ id, turn }) => [id, turn]))
  const highest = new Map<string, number>()
  const begunBy = new Map<string, number>()
  const problems: string[] = []
  let repeated = 0
  for (const { step, eventId, key, pid } of await stage.trace.entries()) {
    if (step !== 'start') continue
    const [turn, before] = [turnOf.get(eventId) ?? -1, highest.get(key ?? '') ?? -1]
    const earlier = begunBy.get(eventId)
    begunBy.set(eventId, pid)
    if (earlier === undefined) {
      if (turn !== before + 1) problems.push(`${key}: turn ${turn} began after turn ${before}`)
      highest.set(key ?? '', turn)
    } else {
      repeated += 1
      if (!killed.has(earlier)) problems.push(`${key}: turn ${turn} began again, and its worker lived`)
    }
  }
  return { published: rows.length, handled: begunBy.size, repeated, problems: problems.slice(0, 20) }
}
