/**
 * The watermark: the seq up to which every event is final, stored or never to come. What reads the log in the order of `seq` must
 * not read beyond it: a smaller seq may still be committed, and would be missed.
 *
 *   publish   assigns its transaction's id, then takes a seq
 *   a look    s := the last seq that was taken        x := an id of its own, taken after s
 *             later, in a newer snapshot: the oldest id that still runs is x or more?
 *
 * Ids are assigned in ascending order. Every seq up to s was taken by a transaction that had its id before, so that id is below
 * x. When none below x runs any more, all of these transactions have ended: what they stored can be seen, the rest are gaps for good.
 * The end of a snapshot (`xmax`) would not do: ids above it may be running, and ids below it that a snapshot does not list have ended.
 *
 * Savepoints change nothing, because the id of the transaction itself counts. A prepared transaction runs until it is committed or rolled back.
 * A sequence that was set forward is as good as one that was counted up: setting it takes an id too. One that was set back, by
 * a restore, makes the watermark begin again at the beginning; a reader whose place lies beyond it can tell by that. So does a crash
 * of the server: a seq that was taken by a transaction which was rolled back may be given out once more after it, and ids too. A
 * place that a reader has stored is not touched by that: the log is written in order, so what is on the disk behind it is, too.
 *
 * A long writing transaction holds the watermark back, whatever it writes and in whichever database of the server: that is the
 * price of order. Transactions that only read hold nothing back.
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
 * Looks once: one statement when no event was published since the last look, which takes no transaction id then; two when there
 * is a new bound. Waits for no one. Give it a pool, or a transaction at `read committed` that has written nothing: one that has
 * an id already cannot set a bound, and its watermark stays where it was.
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
  /** Whether what we remember is still true: neither has the server crashed, nor was the sequence set back. */
  readonly isKnown: boolean
  readonly taken: string
  readonly xid: string | null
}

/** The sequence is read, and its row copied, before the id is taken: `materialized` sees to that. */
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
