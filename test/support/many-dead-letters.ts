/** Writes thousands of dead letters by SQL, because it would take too long to let so many deliveries die. */
import type { Pool } from 'pg'
import { z } from 'zod'
import { handlerHash } from '../../src/backends/postgres/deliveries/handler-hash.ts'
import { defineEvent, defineHandler } from '../../src/index.ts'

export const Paid = defineEvent('finances.paid', { schema: z.object({ n: z.number() }) })
export const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
export const LETTERS = { handler: 'finances.book', type: 'finances.paid' }

export interface Many {
  readonly count: number
  readonly handler: string
  /** The event type of all of them. Their data is `{ n }`, from 1. */
  readonly type: string
  /** How many partition keys they are spread over. Default: they have no key. */
  readonly keys?: number
}

/** Writes the dead letters. The last events have died first. */
export async function writeDeadLetters(database: Pool, { count, handler, type, keys }: Many): Promise<void> {
  const key = keys === undefined ? 'null::text' : `'key' || n % ${keys}`
  const queue = keys === undefined ? 'events' : 'events_partitioned'
  await database.query(
    `with stored as (
      insert into postbus.event (id, type, version, partition_key, payload, correlation_id, occurred_at)
      select gen_random_uuid(), $1, 1, ${key}, json_build_object('json', json_build_object('n', n)), 'c', now()
      from generate_series(1, ${count}) as n order by n
      returning seq, id, partition_key
    ), failed as (
      insert into pgboss.job (id, name, data, state, priority, start_after, created_on, started_on, completed_on, singleton_key,
        expire_seconds, deletion_seconds, keep_until, retry_limit, retry_delay, retry_backoff, policy, heartbeat_seconds)
      select (lpad(to_hex(seq), 16, '0') || '${handlerHash(handler)}')::uuid, queue.name,
        jsonb_build_object('event', stored.id, 'type', $1::text, 'handler', '${handler}'), 'failed', 0, now(), now(), now(), now(),
        '${handler}:' || partition_key, queue.expire_seconds, queue.deletion_seconds, now() + interval '1 year', queue.retry_limit,
        queue.retry_delay, queue.retry_backoff, queue.policy, queue.heartbeat_seconds
      from stored join pgboss.queue on queue.name = '${queue}' returning id
    )
    insert into postbus.dead_letter (delivery_id, queue, handler, event_id, event_type, partition_key, reason, died_at)
    select failed.id, '${queue}', '${handler}', stored.id, $1, stored.partition_key, 'no money', now() - stored.seq * interval '1 s'
    from failed join stored on stored.seq = postbus.seq_of_delivery(failed.id)`,
    [type],
  )
}
