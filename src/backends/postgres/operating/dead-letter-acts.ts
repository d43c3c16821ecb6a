/**
 * What an operator does to dead letters: delivering them again, and dismissing them. Each batch is a short transaction, so nothing is
 * locked for long, even for many letters. The next call goes on with an act that was interrupted.
 *
 *   letters, by id ──► a batch of them, locked ──► its deliveries ──► the letters after it
 *
 * The order is by id, which begins with the event's seq. So the oldest deliveries of a lane are put back first, and no later one
 * runs before them. Two operators whose choices overlap wait for each other in one direction only. And each letter is visited
 * once: one that dies again at once would otherwise be put back without end.
 */
import { delay, performance } from '../../../clock.ts'
import type { Batches } from '../../../deliveries/acts.ts'
import type { Database, Queryable } from '../connection.ts'
import type { NoteAct } from './act-log.ts'
import { attemptOf, functionName, HANDLER, HELD, readsLog } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { filterValues, OPEN_AND_MATCHING } from './dead-letters.ts'
import type { StoredFilter } from './names-asked-for.ts'

/** Letters in a batch: it takes about a twentieth of a second. */
const BATCH = 1_000

/**
 * Puts deliveries back into their queues with all their attempts, and removes the dead letters. Raising the limit by the
 * attempts that were used lets the count begin at 1 again. The errors of earlier attempts stay with the delivery. A delivery
 * whose job was deleted meanwhile stays a dead letter.
 */
export async function retryDeadLetters(
  database: Database,
  tables: Tables,
  filter: StoredFilter,
  how: Noted,
): Promise<number> {
  return inBatches(database, tables, { filter, how, act: retryBatch, steps: [MANY_AT_ONCE, ONE_BY_ONE] })
}

/** The same for letters that block their key, at most `ratePerSecond` of them in a second. */
export async function retryBlockingLetters(
  database: Database,
  tables: Tables,
  filter: StoredFilter,
  how: Noted & { readonly ratePerSecond: number | null },
): Promise<number> {
  const pace = paceOf(how.ratePerSecond)
  return inBatches(database, tables, { filter, how, act: retryBatch, steps: [ONE_BY_ONE], pace })
}

/** Gives dead letters up for good. They stay in the table, marked; a key that one of them blocked goes on. */
export async function dismissDeadLetters(
  database: Database,
  tables: Tables,
  filter: StoredFilter,
  how: Noted,
): Promise<number> {
  return inBatches(database, tables, { filter, how, act: dismissBatch, steps: [MANY_AT_ONCE, ONE_BY_ONE] })
}

/** How to work in batches, and how to record each batch. */
export interface Noted extends Batches {
  readonly note: NoteAct
}

interface Batch {
  /** What chooses its letters: the filter, whether they block their key, where the batch before ended, and how many. */
  readonly values: readonly unknown[]
}

interface Done {
  readonly count: number
  /** How many letters were looked at, and the last one. */
  readonly chosen: number
  readonly last: string | null
}

interface Acting {
  readonly filter: StoredFilter
  readonly how: Noted
  readonly act: (within: Queryable, tables: Tables, batch: Batch) => Promise<Done>
  readonly steps: readonly (typeof MANY_AT_ONCE | typeof ONE_BY_ONE)[]
  /** Waits until the pace allows this many letters. */
  readonly pace?: (count: number) => Promise<void>
}

/**
 * First the letters that block no key, then each of the others in a batch of its own. Settles need the heads of lanes too, and lock
 * several heads in an order of their own. An act that holds one head at a time cannot deadlock with them.
 */
const MANY_AT_ONCE = { blocksKey: false, most: BATCH } as const
const ONE_BY_ONE = { blocksKey: true, most: 1 } as const

async function inBatches(
  database: Database,
  tables: Tables,
  { filter, how, act, steps, pace }: Acting,
): Promise<number> {
  let count = 0
  for (const { blocksKey, most } of steps) {
    let last: string | null = null
    for (;;) {
      const size = Math.min(most, how.limit - count)
      if (size === 0) return count
      const values = [...filterValues(filter), blocksKey, last, size]
      const done: Done = await database.transaction(async (within) => {
        await within.query(IN_ORDER_OF_IDS)
        const batch = await act(within, tables, { values })
        await how.note(within, batch.count)
        return batch
      })
      count += done.count
      if (done.count > 0) how.onProgress(count)
      if (done.chosen < size) break
      await pace?.(count)
      last = done.last
    }
  }
  return count
}

/** Returns a function that waits, after `count` letters, until the next one may follow. */
function paceOf(ratePerSecond: number | null): (count: number) => Promise<void> {
  const began = performance.now()
  return async (count) => {
    if (ratePerSecond === null) return
    await delay(Math.max(0, began + (count / ratePerSecond) * 1_000 - performance.now()))
  }
}

/** Makes Postgres use the index: its statistics of the dead letters are mostly from a time when the table was empty. */
const IN_ORDER_OF_IDS = `select set_config(name, 'off', true)
  from unnest(array['enable_sort', 'enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin']) as name`

function chosenBatch({ deadLetter }: Tables): string {
  return `chosen as materialized (
      select delivery_id, queue, blocks_key from ${deadLetter}
      where ${OPEN_AND_MATCHING} and blocks_key = $5 and ($6::uuid is null or delivery_id > $6)
      order by delivery_id limit $7
      for update
    )`
}

const CHOSEN = `(select count(*)::integer from chosen) as chosen,
      (select delivery_id from chosen order by delivery_id desc limit 1) as last`

async function retryBatch(within: Queryable, tables: Tables, { values }: Batch): Promise<Done> {
  const { rows } = await within.query<Done>(
    `with ${chosenBatch(tables)}, revived as (
      update ${tables.delivery} job set
        state = 'retry',
        start_after = case when job.state = 'failed' and ${readsLog(tables, HANDLER)} then ${HELD} else ${tables.clock} end,
        completed_on = null,
        heartbeat_on = null,
        blocked = false,
        output = case when jsonb_typeof(job.output) = 'array' then job.output #- '{-1,lost}' else job.output end,
        retry_limit = job.retry_limit + case when job.started_on is null then 0 else ${attemptOf('job')} end,
        data = (job.data - array['awaiting', 'told']) || '{"again": "retry"}' -- it was over once: see record/statuses.ts
      from chosen
      where job.name = chosen.queue and job.id = chosen.delivery_id and job.state in ('failed', 'retry')
      returning job.id, job.name
    ), woken as (
      select pg_notify($8, name) from (select distinct name from revived) as queues
    ), gone as (
      delete from ${tables.deadLetter} letter using revived where letter.delivery_id = revived.id
    )
    select (select count(*)::integer from revived) as count, (select count(*)::integer from woken) as woken, ${CHOSEN}`,
    [...values, tables.channel],
  )
  return rows[0] ?? NOTHING
}

async function dismissBatch(within: Queryable, tables: Tables, { values }: Batch): Promise<Done> {
  const { rows } = await within.query<Done & { readonly heads: readonly Head[] | null }>(
    `with ${chosenBatch(tables)}, dismissed as (
      update ${tables.deadLetter} letter set dismissed_at = now()
      from chosen where letter.delivery_id = chosen.delivery_id
      returning letter.delivery_id, letter.queue, letter.blocks_key
    ), unblocked as (
      update ${tables.delivery} job set state = 'failed', completed_on = ${tables.clock}, heartbeat_on = null
      from dismissed
      where dismissed.blocks_key and job.name = dismissed.queue and job.id = dismissed.delivery_id and job.state = 'retry'
      returning job.name, job.singleton_key
    )
    select (select count(*)::integer from dismissed) as count, ${CHOSEN},
      (select jsonb_agg(jsonb_build_object('queue', name, 'lane', singleton_key)) from unblocked) as heads`,
    [...values],
  )
  const done = rows[0]
  if (!done) return NOTHING
  await promoteLanes(within, tables, done.heads ?? [])
  return done
}

const NOTHING: Done = { count: 0, chosen: 0, last: null }

interface Head {
  readonly queue: string
  readonly lane: string | null
}

/** Runs in a later statement than the one that ended the heads, so that it sees what was parked behind them meanwhile. */
async function promoteLanes(database: Queryable, tables: Tables, heads: readonly Head[]): Promise<void> {
  for (const { queue, lane } of heads) {
    await database.query(`select ${functionName(tables, 'promote')}($1, array[$2::text])`, [queue, lane])
    await database.query('select pg_notify($1, $2)', [tables.channel, queue])
  }
}
