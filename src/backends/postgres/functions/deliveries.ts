/**
 * The function that shows every delivery there is, for people and reports: the jobs that are not done, and the history.
 *
 *   select state, count(*) from postbus.deliveries() where handler = 'mail.receipt' group by 1
 *
 * It is a function and not a view, because pg-boss could not change a table that a view depends on. It has no search path of its own:
 * with one, Postgres would read all deliveries before it applies the condition of a query. So each function, operator and type is
 * written with its schema, and the SQL uses no syntax that looks for an operator by itself (`in`, `nullif`, `is distinct from`).
 */
import type { Tables } from '../schema/tables.ts'
import { RETRY_LIMIT } from '../../../deliveries/attempt-number.ts'
import { functionName } from './sql.ts'

const operation = (operator: string) => (one: string, other: string) =>
  `(${one} operator(pg_catalog.${operator}) ${other})`
const same = operation('=')
const after = operation('>')
const plus = operation('+')
const minus = operation('-')
const textOf = operation('->>')

const HANDLER = textOf('job.data', `'handler'`)
const LANE = 'job.singleton_key'
const AFTER_COLON = plus(`pg_catalog.strpos(${LANE}, ':')`, '1')

export function deliveriesFunction(tables: Tables): string {
  const { delivery, event, handler, history, jobNow, seqOfDelivery } = tables
  const is = (state: string) => same('job.state', `'${state}'`)
  const isBlocked = same('job.start_after', `'infinity'`)
  const isSetAside = `coalesce(${same('job.group_tier', `'set aside'`)}, false)`
  return `
create or replace function ${functionName(tables, 'deliveries')}()
returns table (
  seq bigint, event_id uuid, event_type text, partition_key text, handler text, state text, attempts integer,
  due_at timestamptz, started_at timestamptz, ended_at timestamptz, errors jsonb
) language sql stable as $function$
  select ${seqOfDelivery}(job.id), ${textOf('job.data', `'event'`)}::pg_catalog.uuid, ${textOf('job.data', `'type'`)},
    case when ${same(`pg_catalog.split_part(${LANE}, ':', 1)`, HANDLER)} then pg_catalog.substr(${LANE}, ${AFTER_COLON}) end,
    ${HANDLER},
    case
      when ${is('active')} then 'running'
      when ${is('failed')} then 'dead'
      when ${is('cancelled')} then 'cancelled'
      when ${is('completed')} then 'done'
      when ${isBlocked} then 'blocked'
      when ${is('retry')} and coalesce(${same(operation('#>>')('job.data', `'{awaiting,as}'`), `'open'`)}, false) then 'awaiting'
      when job.blocked and not ${isSetAside} then 'parked'
      when ${is('retry')} and ${after('job.start_after', jobNow)} and job.started_on is not null then 'retrying'
      else 'waiting' end,
    case when job.started_on is null then 0
      else ${plus(minus('job.retry_count', minus('job.retry_limit', String(RETRY_LIMIT))), '1')} end,
    case when not ${isBlocked} then job.start_after end, job.started_on, job.completed_on,
    case when ${same('pg_catalog.jsonb_typeof(job.output)', `'array'`)} then job.output else '[]' end
  from ${delivery} job
  where ${operation('?')('job.data', `'handler'`)} and ${operation('?')('job.data', `'event'`)}
  union all
  select done.seq, event.id, event.type, event.partition_key, handler.name, coalesce(done.outcome, 'done'),
    coalesce(done.attempts, 1), null, ${minus('done.ended_at', operation('*')('done.took_ms', `interval '1 ms'`))}, done.ended_at,
    coalesce(${operation('->')('done.detail', `'errors'`)}, '[]')
  from ${history} done
  join ${handler} handler on ${same('handler.number', 'done.handler')}
  join ${event} event on ${same('event.seq', 'done.seq')}
$function$`
}
