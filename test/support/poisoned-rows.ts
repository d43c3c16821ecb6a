/** Rows that hold markup in every text that the operator page shows, written by SQL past every check. */
import type { Pool } from 'pg'

const ATTACK = `"'><img src=x onerror=alert(1)></script><script>alert(2)</script><a href='javascript:alert(3)'>\u2028\u2029\`\${4}&lt;svg/onload=5&#62;`
/** The text to put into a field. It contains the field's name, by which a test finds it. */
export const evil = (field: string) => `${field}-here${ATTACK}`

/** Replaces every text that a page shows, in every table that pages read. Dead letters of the event `eventId` keep their handlers' names. */
export async function poison(database: Pool, eventId: string): Promise<void> {
  const payload = {
    json: { [evil('data-key')]: evil('data-value'), list: [evil('element')], nested: { [evil('inner-key')]: 1 } },
  }
  const attempts = [
    {
      attempt: 1,
      at: '2026-05-01T12:00:00.000Z',
      message: evil('error-message'),
      code: evil('error-code'),
      stack: evil('error-stack'),
    },
  ]
  const statements: [string, unknown[]][] = [
    [`update postbus.event set type = $1 where partition_key = 'order-4712'`, [evil('type')]],
    [
      `update postbus.event set payload = $1, metadata = $2, source = $3, correlation_id = $4, causation_id = $5, caused_by_handler = $6`,
      [
        JSON.stringify(payload),
        JSON.stringify({ [evil('metadata-key')]: evil('metadata-value') }),
        ...['source', 'correlation', 'causation', 'caused-by'].map(evil),
      ],
    ],
    [`update postbus.event set partition_key = $1 where partition_key = 'order-4713'`, [evil('event-key')]],
    [`update postbus.dead_letter set attempts = $1, reason = $2`, [JSON.stringify(attempts), evil('dead-reason')]],
    [
      `update postbus.dead_letter set handler = $1, event_type = $2, partition_key = $3 where event_id <> $4 and handler = 'mail.receipt'`,
      [evil('handler'), evil('letter-type'), evil('letter-key'), eventId],
    ],
    [
      `update pgboss.job set data = data || jsonb_build_object('handler', $1::text, 'type', $2::text) where data ->> 'handler' = 'mail.receipt'`,
      [evil('job-handler'), evil('job-type')],
    ],
    [`update pgboss.job set output = $1 where output is not null`, [JSON.stringify(attempts)]],
    [
      `insert into postbus.pause (kind, name, by, reason) values ('queue', $1, $2, $3)`,
      ['queue', 'pause-queue-by', 'pause-queue-reason'].map(evil),
    ],
    [
      `insert into postbus.act (act, filter, by, reason, count) values ('events.redact', $1, $2, $3, 1), ($4, '{}', null, null, 2)`,
      [JSON.stringify({ [evil('filter-key')]: evil('filter-value') }), evil('row-by'), evil('row-reason'), evil('act')],
    ],
    [
      `insert into postbus.schedule (name, cron, time_zone, position, last_tick_at) values ($1, $2, $3, now(), now())`,
      ['schedule', 'cron', 'zone'].map(evil),
    ],
    [
      `insert into postbus.replay (handler, query, state, to_seq, matching, runner, by, reason) select $1, $2, state, 9, 9, gen_random_uuid(), $3, $4 from unnest(array['running', 'paused', 'done', 'cancelled']) state`,
      [
        evil('replay-handler'),
        JSON.stringify({ types: [evil('replay-type')] }),
        evil('replay-by'),
        evil('replay-reason'),
      ],
    ],
    [
      `insert into postbus.worker (id, host, pid, queues, handlers) values (gen_random_uuid(), $1, 1, array[$2], array[$3])`,
      ['host', 'worker-queue', 'worker-handler'].map(evil),
    ],
    [`insert into postbus.handler (name) values ($1)`, [evil('stored-handler')]],
  ]
  for (const [statement, values] of statements) await database.query(statement, values)
}
