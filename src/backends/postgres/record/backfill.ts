/**
 * The backfill of a handler that was added later: one worker reads the log up to the watermark, and gives the handler the events that it
 * has not been given.
 *
 *   history    from the beginning of the log to its end
 *   following  after the publishers, for as long as some of them may not know the handler
 *   done       publishers write the handler's deliveries, as for any other handler
 *
 * Until it is done, deliveries that publishers write for the handler are gated: each is in its lane, but not due. It becomes due when the
 * backfill passes its event. Why that keeps the order and doubles nothing: docs/decisions/0018-how-a-handler-is-backfilled.md.
 */
import { randomUUID } from 'node:crypto'
import { delay } from '../../../clock.ts'
import type { Backfilled, Backfilling } from '../../../deliveries/delivery-store.ts'
import { isOrdered } from '../../../handlers/pace.ts'
import type { Queryable } from '../connection.ts'
import { PRIORITIES } from '../functions/marks.ts'
import { functionName, GATED, HANDLER, RETURNING } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { chosen, readsPayloads } from './choose.ts'
import { BATCH, hasRoom, queuesOf, receiverValues, storedNameOf } from './log-reader.ts'
import { readLog } from './read-log.ts'
import { moveWatermark, NO_WATERMARK, type Watermark } from './watermark.ts'

/** A worker that has not come back for this long has died, and another one goes on. */
const LEASE = `interval '10 s'`

const LOOKS = 5
const BETWEEN_LOOKS_MS = 20

interface Lease {
  readonly state: 'history' | 'following'
  readonly after: string
  readonly released: string
  readonly since: Date
  /** The follow-up time has passed since the last event was found that its publisher had not given to the handler. */
  readonly isQuiet: boolean
}

/** The backfills that one worker takes part in. */
export class Backfills {
  readonly #tables: Tables
  readonly #runner = randomUUID()
  #watermark: Watermark = NO_WATERMARK
  /** By handler: the place up to which its deliveries become due when no transaction with an older id runs. */
  readonly #bounds = new Map<string, { readonly upTo: string; readonly xid: bigint }>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** Does one batch, if this worker has the lease. */
  async step(database: Queryable, backfilling: Backfilling): Promise<Backfilled> {
    const lease = await this.#lease(database, backfilling)
    if (lease === null) return this.#asBystander(database, backfilling)

    const isReleased = await this.#release(database, backfilling, lease)
    await this.#moveWatermark(database, BigInt(lease.after))
    const upTo = this.#watermark.seq
    if (BigInt(lease.after) < upTo) return this.#giveBatch(database, backfilling, { ...lease, upTo })
    if (!isReleased) return this.#releaseSoon(database, backfilling, lease)
    if (this.#watermark.bound === null) return this.#atTheEnd(database, backfilling, lease)
    return 'waits'
  }

  /** Looks a few times while no new event is final: most transactions are short. */
  async #moveWatermark(database: Queryable, after: bigint): Promise<void> {
    for (let look = 0; look < LOOKS; look += 1) {
      if (look > 0) await delay(BETWEEN_LOOKS_MS)
      this.#watermark = await moveWatermark(database, this.#tables, this.#watermark)
      if (this.#watermark.bound === null || this.#watermark.seq > after) return
    }
  }

  async #lease(database: Queryable, backfilling: Backfilling): Promise<Lease | null> {
    const { handler } = backfilling
    const { since, followMs } = handler.options.backfill ?? { since: new Date(0), followMs: 0 }
    const { rows } = await database.query<Lease>(
      `update ${this.#tables.backfill} set runner = $2, leased_until = clock_timestamp() + ${LEASE}
      where handler = $1 and state <> 'done' and (runner = $2 or leased_until < clock_timestamp())
      returning state, after_seq as after, released_seq as released, since, missed_at <= clock_timestamp() - $3 * interval '1 ms' as "isQuiet"`,
      [storedNameOf(handler), this.#runner, followMs],
    )
    if (rows[0]) return rows[0]
    const inserted = await database.query(
      `insert into ${this.#tables.backfill} (handler, since) values ($1, $2) on conflict do nothing returning handler`,
      [storedNameOf(handler), since.toISOString()],
    )
    return inserted.rows.length > 0 ? this.#lease(database, backfilling) : null
  }

  /** For a backfill that another worker does, or that is done. A publisher that began before the end may have left gated deliveries. */
  async #asBystander(database: Queryable, { handler }: Backfilling): Promise<Backfilled> {
    const { rows } = await database.query<{ isDone: boolean }>(
      `select state = 'done' as "isDone" from ${this.#tables.backfill} where handler = $1`,
      [storedNameOf(handler)],
    )
    if (!rows[0]?.isDone) return 'waits'
    await ungate(database, this.#tables, handler)
    return 'done'
  }

  async #giveBatch(
    database: Queryable,
    choosing: Backfilling,
    { state, after, since, upTo: end }: Lease & { readonly upTo: bigint },
  ): Promise<Backfilled> {
    const { handler } = choosing
    if (!(await hasRoom(database, this.#tables, handler))) return 'waits'
    const range = { after: BigInt(after), upTo: end }
    const how = { range, most: BATCH, withPayload: readsPayloads(choosing) }
    const { events, upTo } = await readLog(database, this.#tables, { since }, how)
    const seqs = chosen(events, choosing).map(({ seq }) => seq)
    const { rows } = await database.query(
      `select from ${functionName(this.#tables, 'backfill_batch')}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [...receiverValues(handler), this.#runner, after, String(upTo), seqs, state === 'history', isOrdered(handler)],
    )
    return rows.length > 0 ? 'more' : 'waits'
  }

  /** Makes gated deliveries up to the place due, once older transactions have ended. Returns whether all up to it are due. */
  async #release(database: Queryable, { handler }: Backfilling, { after, released }: Lease): Promise<boolean> {
    if (released === after) return true
    const name = storedNameOf(handler)
    const bound = this.#bounds.get(name) ?? { upTo: after, xid: await newestId(database) }
    this.#bounds.set(name, bound)
    if ((await oldestRunning(database)) < bound.xid) return false
    this.#bounds.delete(name)
    await database.query(`select ${functionName(this.#tables, 'backfill_release')}($1, $2, $3, $4)`, [
      name,
      handler.options.queue,
      this.#runner,
      bound.upTo,
    ])
    return bound.upTo === after
  }

  async #releaseSoon(database: Queryable, backfilling: Backfilling, lease: Lease): Promise<Backfilled> {
    for (let look = 0; look < LOOKS; look += 1) {
      await delay(BETWEEN_LOOKS_MS)
      if (await this.#release(database, backfilling, lease)) return 'more'
    }
    return 'waits'
  }

  async #atTheEnd(database: Queryable, { handler }: Backfilling, { state, isQuiet }: Lease): Promise<Backfilled> {
    if (state === 'following' && !isQuiet) return 'waits'
    await database.query(
      state === 'history'
        ? `update ${this.#tables.backfill} set state = 'following', missed_at = clock_timestamp() where handler = $1 and runner = $2`
        : `update ${this.#tables.backfill} set state = 'done', ended_at = clock_timestamp() where handler = $1 and runner = $2`,
      [storedNameOf(handler), this.#runner],
    )
    if (state === 'history') return 'waits'
    await ungate(database, this.#tables, handler)
    return 'ended'
  }
}

/** A new transaction id: every transaction that has an id by now has an older one. */
async function newestId(database: Queryable): Promise<bigint> {
  const { rows } = await database.query<{ id: string }>('select pg_current_xact_id()::text as id')
  return BigInt(rows[0]?.id ?? 0)
}

async function oldestRunning(database: Queryable): Promise<bigint> {
  const { rows } = await database.query<{ id: string }>('select pg_snapshot_xmin(pg_current_snapshot())::text as id')
  return BigInt(rows[0]?.id ?? 0)
}

const EVERY_PRIORITY = Array.from({ length: PRIORITIES }, (_, level) => -level)

/** Makes gated deliveries due: for a handler whose backfill is done, and for tests, which have no history. */
export async function ungate(database: Queryable, tables: Tables, handler: Backfilling['handler']): Promise<void> {
  await database.query(
    `with gated as materialized (
      select job.name, job.id from ${tables.delivery} job
      where ${RETURNING} and job.name = any($1) and job.priority = any($4::integer[]) and job.start_after = ${GATED}
        and ${HANDLER} = $2
    ), due as (
      update ${tables.delivery} job set start_after = ${tables.clock} from gated
      where job.name = gated.name and job.id = gated.id and job.start_after = ${GATED} returning job.name
    )
    select pg_notify($3, name) from (select distinct name from due) as queue`,
    [queuesOf(handler), storedNameOf(handler), tables.channel, EVERY_PRIORITY],
  )
}
