/** Writes the dead letters of deliveries, in the statement that ends the deliveries. */
import type { Tables } from '../schema/tables.ts'

/** SQL: inserts the letters for the rows of `changed`, which are jobs after their last change. A `where` and `UNLESS_BURIED` must follow. */
export function buryingDeliveries(
  { clock, deadLetter, event, seqOfDelivery }: Tables,
  { reason, blocks }: { readonly reason: string; readonly blocks: string },
): string {
  return `insert into ${deadLetter} as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select changed.id, changed.name, coalesce(changed.data ->> 'handler', ''), event.id,
          coalesce(event.type, changed.data ->> 'type'), event.partition_key, ${reason},
          coalesce(changed.output, '[]'), ${blocks}, ${clock}
        from changed
        left join lateral (
          select event.id, event.type, event.partition_key from ${event} event
          where event.seq = ${seqOfDelivery}(changed.id) offset 0
        ) event on true`
}

/** A delivery that was retried or dismissed, and has died again, has a letter already, which is overwritten. */
export const UNLESS_BURIED = `on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, dismissed_at = null`
