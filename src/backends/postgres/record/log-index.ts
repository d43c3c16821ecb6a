/**
 * Builds the look-up table after the events are published: workers do it, one at a time, in batches of the log up to its watermark.
 * So publishing writes no index entry for it, and queries look for events that are not indexed yet in the log itself.
 *
 *   place ──► the next events of the log ──► their types' numbers ──► a row each in the look-up table ──► the place moves on
 */
import type { Indexed } from '../../../deliveries/delivery-store.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { moveWatermark, NO_WATERMARK, type Watermark } from './watermark.ts'

/** Events per batch: it takes about a twentieth of a second. */
const BATCH = 2_000

export class LogIndex {
  readonly #tables: Tables
  readonly #batch: number
  #watermark: Watermark = NO_WATERMARK

  constructor(tables: Tables, batch: number = BATCH) {
    this.#tables = tables
    this.#batch = batch
  }

  /** Indexes the next batch. Does nothing when another worker is at it, or when no event is new. */
  async move(database: Queryable): Promise<Indexed> {
    this.#watermark = await moveWatermark(database, this.#tables, this.#watermark)
    const { rows } = await database.query<{ count: number; isAhead: boolean | null }>(statement(this.#tables), [
      String(this.#watermark.seq),
      this.#batch,
    ])
    if (rows[0]?.isAhead) await database.query(beginAgain(this.#tables))
    const events = rows[0]?.count ?? 0
    return { events, more: events === this.#batch }
  }
}

function statement({ event, eventSeq, eventType, logChunk, logPlace, lookup }: Tables): string {
  return `
    with begun as (
      insert into ${logPlace} default values on conflict do nothing -- the next move finds it
    ), place as materialized (
      select indexed_to from ${logPlace} where indexed_to < $1::bigint for update skip locked
    ), batch as materialized (
      select event.seq, event.type, event.partition_key, event.correlation_id, event.causation_id, event.published_at
      from place join ${event} event on event.seq > place.indexed_to and event.seq <= $1::bigint
      order by event.seq limit $2::integer
    ), new_type as (
      insert into ${eventType} (name) select distinct batch.type from batch
      where not exists (select from ${eventType} one where one.name = batch.type)
      returning number, name
    ), type as (
      select number, name from ${eventType} union all select number, name from new_type
    ), indexed as (
      insert into ${lookup} (seq, type, partition_key, correlation, causation)
      select batch.seq, type.number, hashtextextended(batch.partition_key, 0), hashtextextended(batch.correlation_id, 0),
        hashtextextended(batch.causation_id, 0)
      from batch join type on type.name = batch.type
      on conflict (seq) do nothing
    ), chunk as (
      insert into ${logChunk} (first_seq, last_seq, earliest, latest, events)
      select min(seq), max(seq), min(published_at), max(published_at), count(*) from batch having count(*) > 0
      on conflict (last_seq) do nothing
    ), moved as (
      update ${logPlace} set indexed_to = case
        when (select count(*) from batch) = $2::integer then (select max(seq) from batch) else $1::bigint end
      from place
    )
    select count(*)::integer as count,
      (select one.indexed_to > log.last_value from ${logPlace} one cross join ${eventSeq} log) as "isAhead"
    from batch`
}

/** For a log that was emptied, so that its numbers begin again: the events that are indexed are gone. */
function beginAgain({ logChunk, logPlace, lookup }: Tables): string {
  return `with lookups as (delete from ${lookup}), chunks as (delete from ${logChunk}) update ${logPlace} set indexed_to = 0`
}
