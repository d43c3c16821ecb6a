/** Kills worker processes one after the other while they work, and reports what happened to the work. */
import type { Stage } from '../support/stage.ts'
import { ghosts, inFlightAt, lost, needlessRepeats, overlaps, type Interruption } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'
import type { Task } from './tasks.ts'

export interface KillsOptions {
  readonly kills: number
  readonly workers: number
  /** Handlers at once, per worker and queue. */
  readonly concurrency: number
  readonly seed: number
}

export interface KillsReport {
  readonly published: number
  readonly problems: readonly string[]
  /** For each kill, how many runs were in flight. */
  readonly inFlight: readonly number[]
  readonly runs: number
  /** From the last kill until everything was done. */
  readonly recoveredInMs: number
}

const KEYS = 50
/** Publishing waits while more deliveries wait. Keys of a killed delivery wait for its recovery; the others need enough work meanwhile. */
const MAX_WAITING = 600

/** Publishes all the time; every second or so kills a worker at a random moment and starts another in its place. */
export async function killUnderLoad(stage: Stage, options: KillsOptions): Promise<KillsReport> {
  const random = seeded(options.seed)
  const words = ['--queues', `events=${options.concurrency},events_partitioned=${options.concurrency}`]
  const workers = await Promise.all(Array.from({ length: options.workers }, () => stage.worker({ words })))
  const published: string[] = []
  const load = new AbortController()
  const publishing = (async () => {
    while (!load.signal.aborted) {
      const tasks = Array.from({ length: 5 }, (): Task => ({ ms: random() * 200, key: keyFrom(random()) }))
      published.push(...(await stage.publish(...tasks)))
      await until('the workers keep up', async () => (await waiting(stage)) < MAX_WAITING, 60_000)
    }
  })()

  const interruptions: Interruption[] = []
  for (let kill = 0; kill < options.kills; kill += 1) {
    await stage.database.query('select pg_sleep($1)', [0.3 + random()])
    const chosen = Math.floor(random() * workers.length)
    const victim = workers[chosen]!
    victim.kill('SIGKILL')
    await victim.exited
    interruptions.push({ pid: victim.pid, from: await stage.trace.now(), holding: await held(stage) })
    workers[chosen] = await stage.worker({ words })
  }
  const lastKillAt = performance.now()
  load.abort()
  await publishing
  await stage.settled(60_000)

  const trace = await stage.trace.entries()
  const expected = published.map((eventId) => ({ handler: 'faults.steady', eventId }))
  return {
    published: published.length,
    runs: trace.filter(({ step }) => step === 'start').length,
    recoveredInMs: Math.round(performance.now() - lastKillAt),
    inFlight: interruptions.map((one) => inFlightAt(trace, one)),
    problems: [
      ...lost(expected, trace, await stage.dead()),
      ...needlessRepeats(trace, interruptions),
      ...overlaps(trace, interruptions),
      ...ghosts(trace, new Set(published)),
    ],
  }
}

function keyFrom(random: number): string | null {
  return random < 0.4 ? null : `key ${Math.floor(random * 1_000) % KEYS}`
}

/** The events of all current claims, and the events that may have run after them. */
export async function held(stage: Stage): Promise<ReadonlySet<string>> {
  const { rows } = await stage.database.query<{ eventId: string }>(
    `select data ->> 'event' as "eventId" from pgboss.job job where state = 'active' or state < 'active' and exists (
      select from pgboss.job active where active.singleton_key = job.singleton_key and active.state = 'active'
    )
    union all -- read from the log, and not acknowledged
    select event.id::text from postbus.event event where event.seq > (select min(cursor.position) from postbus.log_cursor cursor)
    union all -- acknowledged while it ran
    select data ->> 'event' from pgboss.job where state = 'retry' and start_after = '9999-12-30 00:00:00+00'`,
  )
  return new Set(rows.map(({ eventId }) => eventId))
}

async function waiting(stage: Stage): Promise<number> {
  const { rows } = await stage.database.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job where state < 'completed'`,
  )
  return rows[0]?.count ?? 0
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
