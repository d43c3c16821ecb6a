/** What a settle tells those who wait for the end of an event. While nobody waits, it looks at one empty table. */
import type { Tables } from '../schema/tables.ts'

/** NOTIFY carries at most 8,000 bytes. More events become "some". */
const MOST_AT_ONCE = 300

/** Tells of these deliveries, an array of ids, if their events are waited for. The numbers of events, or `*`. */
export function tellingOfEnds({ endChannel, seqOfDelivery, watch }: Tables, ids: string): string {
  return `if exists (select from ${watch}) then
    perform pg_notify('${endChannel}', case when count(*) > ${MOST_AT_ONCE} then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct ${seqOfDelivery}(one.id) as seq from unnest(${ids}) as one (id)) ended
    where exists (select from ${watch} watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;`
}
