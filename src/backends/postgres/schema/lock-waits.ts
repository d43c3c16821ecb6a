/**
 * Lets a migration wait for table locks without blocking publishers for long. A statement that waits for a lock on a table holds up
 * every later statement on that table, including statements of publishers. So each statement of a migration waits for a moment only, gives
 * way, and tries again. Meanwhile the migration reports which process is in the way.
 */
import type { Pool } from 'pg'
import { delay, performance, sleep } from '../../../clock.ts'
import { PostbusError } from '../../../errors.ts'

/** Publishers may be held up for this long at a time. */
const MOMENT_MS = 1_000
/** The first pauses between two tries. Publishing goes on in a pause, and each pause is longer than the one before. */
const PAUSES_MS = [500, 1_000, 2_000]
const LONGEST_PAUSE_MS = 4_000
const LONGEST_WAIT_MS = 15 * 60_000
const LOOK_EVERY_MS = 1_000
const SAY_AGAIN_MS = 10_000

/**
 * Settings to send in front of a statement, in the same message: they hold until the end of their common transaction. Behind a pooler
 * the session has no settings of ours, and what a statement creates must not depend on the search path of the role.
 */
export const AS_A_GUEST = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
  pg_catalog.set_config('lock_timeout', '${MOMENT_MS}', true);`

/** Repeats `work` until it gets its locks. If `work` does not get a lock, it must have undone everything that it did. */
export async function untilLocked<Result>(what: string, work: (attempt: number) => Promise<Result>): Promise<Result> {
  const began = performance.now()
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work(attempt)
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      if (performance.now() - began > LONGEST_WAIT_MS) throw blocked(what, error)
    }
    await delay(PAUSES_MS[attempt] ?? LONGEST_PAUSE_MS)
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === '55P03'
}

function blocked(what: string, cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_MIGRATION_BLOCKED',
    `To ${what}, migrate needs a lock, and has not got it within ${LONGEST_WAIT_MS / 60_000} minutes. End the transaction ` +
      'that holds it, which migrate has named, and run again: npx postbus migrate',
    { cause },
  )
}

interface Holder {
  readonly pid: number
  readonly who: string
  readonly since: string
  readonly query: string
}

/** Reports which processes block the sessions of the pool: each once, and again every ten seconds. Returns a function that ends the watch. */
export function watchWaits(pool: Pool, tell: (what: string) => void): () => Promise<void> {
  const ours = new Set<number>()
  const note = (client: object) => void ours.add(Number(Reflect.get(client, 'processID')))
  pool.on('connect', note)
  const toldAt = new Map<number, number>()
  const ending = new AbortController()

  async function watch() {
    while (!ending.signal.aborted) {
      await sleep(LOOK_EVERY_MS, ending.signal)
      for (const holder of ending.signal.aborted ? [] : await holdersOf(pool, [...ours])) {
        const now = performance.now()
        if (now - (toldAt.get(holder.pid) ?? -Infinity) < SAY_AGAIN_MS) continue
        toldAt.set(holder.pid, now)
        tell(`waiting for process ${holder.pid} (${holder.who}), ${holder.since}${holder.query}`)
      }
    }
  }
  const watching = watch().catch(() => undefined) // a migration goes on without an explanation
  return async () => {
    pool.off('connect', note)
    ending.abort()
    await watching
  }
}

/** The processes that block ours. Behind a pooler it finds none: there, a session has another process id than its connection knows. */
async function holdersOf(pool: Pool, ours: readonly number[]): Promise<readonly Holder[]> {
  const { rows } = await pool.query<Holder>(
    `select distinct on (holder.pid) holder.pid,
      pg_catalog.concat_ws(', ', coalesce(nullif(holder.application_name, ''), 'no application name'), holder.usename) as who,
      coalesce('transaction open since ' || to_char(holder.xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), holder.state, 'busy')
        || coalesce(', last statement since ' || to_char(holder.query_start at time zone 'UTC', 'HH24:MI:SS "UTC"'), '') as since,
      coalesce(': ' || left(regexp_replace(holder.query, '\\s+', ' ', 'g'), 100), '') as query
    from unnest($1::integer[]) as waiting (pid)
    cross join lateral unnest(pg_blocking_pids(waiting.pid)) as blocking (pid)
    join pg_stat_activity holder on holder.pid = blocking.pid
    where blocking.pid <> all ($1)`,
    [ours],
  )
  return rows
}
