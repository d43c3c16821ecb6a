/** Waits for events and all that they cause, over several generations of handlers that publish, while workers are killed. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from '../support/stage.ts'
import { seeded } from './kills-under-load.ts'

export interface TreesOptions {
  readonly trees: number
  /** How many generations of children each tree has. Each event has two children. */
  readonly generations: number
  readonly kills: number
  readonly workers: number
  readonly seed: number
}

export interface TreesReport {
  /** All events, including events that an attempt published again because the attempt before it was killed. */
  readonly events: number
  /** The longest time from the end of a tree's last delivery to the end of the wait for that tree. */
  readonly latestMs: number
  readonly problems: readonly string[]
}

interface Ended {
  readonly events: number
  readonly unfinished: number
  readonly lateMs: number
}

/** Waits for all trees at once, and looks at each at the moment at which the wait for it is over, and at the end. */
export async function treesUnderKills(stage: Stage, options: TreesOptions): Promise<TreesReport> {
  const { trees, generations, seed } = options
  const workers = await Promise.all(Array.from({ length: options.workers }, () => stage.worker()))
  const random = seeded(seed)
  const tasks = Array.from({ length: trees }, (_, n) => ({ generations, ms: 1 + (n % 30) }))
  const roots = await stage.publish(...tasks)
  const killing = (async () => {
    for (let kill = 0; kill < options.kills; kill += 1) {
      await delay(500 + 1_500 * random())
      const chosen = Math.floor(random() * workers.length)
      workers[chosen]?.kill('SIGKILL')
      workers[chosen] = await stage.worker()
    }
  })()
  const waits = roots.map(async (id) => {
    await stage.bus.events.whenFinished(id, { includeCaused: true, timeoutMs: 600_000 })
    return [id, await lookAt(stage, id)] as const
  })

  const ended = new Map(await Promise.all(waits))
  await killing
  await stage.settled(60_000)

  const problems: string[] = []
  for (const [id, then] of ended) {
    const now = await lookAt(stage, id)
    if (then.unfinished > 0) problems.push(`${id}: the wait was over while ${then.unfinished} deliveries were not`)
    if (now.events !== then.events) problems.push(`${id}: ${then.events} events then, ${now.events} in the end`)
    if (now.events < 2 ** (generations + 1) - 1) problems.push(`${id}: has ${now.events} events, which is too few`)
  }
  const { rows } = await stage.database.query<{ count: number }>('select count(*)::integer as count from postbus.event')
  return {
    events: rows[0]?.count ?? 0,
    latestMs: Math.round(Math.max(...Array.from(ended.values(), ({ lateMs }) => lateMs))),
    problems,
  }
}

/** A tree has the correlation id of its root. */
async function lookAt({ database }: Stage, id: string): Promise<Ended> {
  const { rows } = await database.query<Ended>(
    `with tree as (select seq, id from postbus.event where correlation_id = (select correlation_id from postbus.event where id = $1))
    select count(*)::integer as events,
      (select count(*)::integer from pgboss.job where state < 'completed' and data ->> 'event' in (select id::text from tree)) as unfinished,
      extract(epoch from clock_timestamp() - (select max(ended_at) from postbus.history where seq in (select seq from tree)))::float8 * 1000 as "lateMs"
    from tree`,
    [id],
  )
  return rows[0] ?? { events: 0, unfinished: 0, lateMs: 0 }
}
