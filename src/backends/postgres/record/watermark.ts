/**
 * The watermark: the seq up to which every event is final (stored, or never to be stored). A reader of the log in the order of
 * `seq` must not read beyond the watermark: a smaller seq may still be committed, and would be missed.
 *
 *   publish   assigns its transaction's id, then takes a seq
 *   a look    s := the last seq that was taken        x := an id of its own, taken after s
 *             later, in a newer snapshot: the oldest id that still runs is x or more?
 *
 * Ids are assigned in ascending order. Every seq up to s was taken by a transaction that had its id before, so that id is below
 * x. When no id below x runs any more, all of these transactions have ended: what they stored is visible, and the other seqs up to s are
 * permanent gaps. The end of a snapshot (`xmax`) is not enough: ids above it may be running, and ids below it that a snapshot does not list have ended.
 *
 * Savepoints change nothing, because the id of the transaction itself counts. A prepared transaction runs until it is committed or rolled back.
 * A sequence that was set forward is as good as one that was counted up: setting it takes an id too. A sequence that was set back, by a
 * restore, makes the watermark start again from the beginning; a reader whose place is beyond the watermark can tell by that. A crash of
 * the server does so too: seqs and ids of transactions that were rolled back may be given out once more after the crash. A place that a
 * reader has stored stays valid: the server writes its log in order, so everything before that place is on the disk too.
 *
 * A long writing transaction holds the watermark back, in any database of the server. That is the price of order.
 * `writingTransactions` lists these transactions. Transactions that only read hold nothing back.
 */
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** What a reader remembers from one look to the next. */
export interface Watermark {
  /** Every event up to this seq is final. */
  readonly seq: bigint
  /** The next watermark, as soon as no transaction with an id below `xid` runs. `null`: nothing is waited for. */
  readonly bound: { readonly seq: bigint; readonly xid: bigint } | null
  /** The life of the server in which this was seen. `null`: none so far. */
  readonly life: string | null
}

/** Where a reader begins. */
export const NO_WATERMARK: Watermark = Object.freeze({ seq: 0n, bound: null, life: null })

/**
 * Looks once, without waiting for any transaction. If no event was published since the last look, this is one statement, which takes no
 * transaction id; with a new bound there are two. Give it a pool, or a transaction at `read committed` that has written nothing: a
 * transaction that has an id already cannot set a bound, and its watermark stays where it was.
 */
export async function moveWatermark(database: Queryable, tables: Tables, known = NO_WATERMARK): Promise<Watermark> {
  const seen = await look(database, tables, known)
  if (seen.life === null) {
    await database.query(`insert into ${tables.serverLife} default values on conflict do nothing`)
    return moveWatermark(database, tables)
  }
  const remembered = seen.isKnown ? known : { ...NO_WATERMARK, life: seen.life }
  const before = passed(remembered, BigInt(seen.oldest))
  if (seen.xid === null || before.bound !== null) return before

  const bound = { seq: BigInt(seen.taken), xid: BigInt(seen.xid) }
  const { oldest, life } = await lookAgain(database, tables)
  return life === seen.life ? passed({ ...before, bound }, BigInt(oldest)) : NO_WATERMARK
}

interface Seen extends SeenAgain {
  /** Whether the remembered watermark is still valid: the server has not crashed, and the sequence was not set back. */
  readonly isKnown: boolean
  readonly taken: string
  readonly xid: string | null
}

/** `materialized` makes sure that the sequence is read, and its row copied, before the id is taken. */
async function look(database: Queryable, tables: Tables, { seq, bound, life }: Watermark): Promise<Seen> {
  const { rows } = await database.query<Seen>(
    `with taken as materialized (
      select case when one.is_called then one.last_value else one.last_value - 1 end as seq from ${tables.eventSeq} one
    ), look as materialized (
      select taken.seq, (${LIFE(tables)}) as life, ${OLDEST} as oldest from taken
    ), compared as materialized (
      select look.*, look.life::text is not distinct from $4::text and look.seq >= coalesce($2::bigint, $1::bigint) as is_known from look
    )
    select compared.life, compared.oldest::text as oldest, compared.seq::text as taken, compared.is_known as "isKnown",
      case
        when compared.life is null or pg_current_xact_id_if_assigned() is not null then null
        when compared.is_known and (compared.seq = $1::bigint or compared.oldest < $3::text::xid8) then null
        else pg_current_xact_id()::text
      end as xid
    from compared`,
    [String(seq), bound && String(bound.seq), bound && String(bound.xid), life],
  )
  return rows[0] ?? { isKnown: false, taken: '0', xid: null, oldest: '0', life: null }
}

interface SeenAgain {
  readonly oldest: string
  readonly life: string | null
}

async function lookAgain(database: Queryable, tables: Tables): Promise<SeenAgain> {
  const { rows } = await database.query<SeenAgain>(`select ${OLDEST}::text as oldest, (${LIFE(tables)}) as life`)
  return rows[0] ?? { oldest: '0', life: null }
}

/** The oldest id that runs in the server, in this statement's snapshot. */
const OLDEST = 'pg_snapshot_xmin(pg_current_snapshot())'
const LIFE = ({ serverLife }: Tables) => `select one.id::text from ${serverLife} one where one.only_one`

/** The watermark after a snapshot in which `oldest` was the oldest id that runs. */
function passed(watermark: Watermark, oldest: bigint): Watermark {
  const { bound } = watermark
  return bound !== null && oldest >= bound.xid ? { ...watermark, seq: bound.seq, bound: null } : watermark
}

/** A transaction that writes, and holds the watermark back. A field that our role may not see is null. */
export interface WatermarkHolder {
  /** Null for a prepared transaction, which belongs to no process. */
  readonly pid: number | null
  /** The name of the application, or of the prepared transaction. */
  readonly application: string | null
  readonly user: string | null
  readonly database: string | null
  readonly since: Date | null
}

/** The transactions that hold back watermarks, oldest first: every transaction in the server that has an id. */
export async function writingTransactions(database: Queryable): Promise<readonly WatermarkHolder[]> {
  const { rows } = await database.query<WatermarkHolder>(
    `select pid, application, "user", database, since from (
      select pid, nullif(application_name, '') as application, usename::text as "user", datname::text as database,
        xact_start as since, age(backend_xid) as age
      from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
      union all
      select null, gid, owner::text, database::text, prepared, age(transaction) from pg_prepared_xacts
    ) holder order by age desc`,
  )
  return rows
}
