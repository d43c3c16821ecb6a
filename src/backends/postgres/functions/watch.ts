/** Lets a settle tell processes that wait for the end of an event. While none waits, it looks at one empty table. */
import type { Tables } from '../schema/tables.ts'

/** NOTIFY carries at most 8,000 bytes. More events than this become `*`. */
const MOST_AT_ONCE = 300

/** SQL: these deliveries, an array of ids, have ended. If their events are waited for, notifies with their seqs, or with `*`. */
export function tellingOfEnds({ endChannel, seqOfDelivery, watch }: Tables, ids: string): string {
  return `if exists (select from ${watch}) then
    perform pg_notify('${endChannel}', case when count(*) > ${MOST_AT_ONCE} then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct ${seqOfDelivery}(one.id) as seq from unnest(${ids}) as one (id)) ended
    where exists (select from ${watch} watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;`
}
