/** Claims and settles waiting deliveries by hand, due or not. */
import type { Client } from 'pg'

export async function settleAll(over: Pick<Client, 'query'>, which: string): Promise<void> {
  await over.query(
    `update pgboss.job job set state = 'active', started_on = now(), heartbeat_on = now() where state < 'active' and ${which}`,
  )
  await over.query(`select postbus.settle_2('events', array_agg(id), array_agg(claim), null)
    from (select id, retry_count * 60000000::bigint + date_part('microseconds', started_on)::bigint as claim from pgboss.job
      where state = 'active' and name = 'events') job having count(*) > 0`)
  await over.query(`select postbus.settle_lanes_2('events_partitioned', array_agg(id),
      jsonb_object_agg(id, jsonb_build_object('claim', claim)), null, array_agg(id), 0, null)
    from (select id, retry_count * 60000000::bigint + date_part('microseconds', started_on)::bigint as claim from pgboss.job
      where state = 'active' and name = 'events_partitioned') job having count(*) > 0`)
}
