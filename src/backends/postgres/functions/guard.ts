/**
 * The guard: keeps pg-boss's own workers away from our deliveries. `boss.work('events')`, written by mistake, would take them and
 * mark them as completed, and no handler would ever run.
 *
 *   boss.work, boss.fetch    refused: pg-boss gives a job that it starts the same time in `started_on` and `heartbeat_on`
 *   boss.complete            refused for a delivery that runs: its own worker ends it
 *   boss.cancel, boss.deleteJob, boss.fail, boss.retry    allowed: they name a delivery, so they are intended
 *
 * The guard consists of triggers with a short condition. Our own claims never meet it, because they write the clock as the heartbeat.
 * A short condition costs a claim nothing that could be measured (one of five comparisons cost 40 µs for each statement). Publishing
 * inserts, and settling what is done deletes: neither has a trigger. If the clock is so coarse that both times are the same, our
 * claims are recognised by their search path, which no other session has.
 */
import { RETRY_LIMIT } from '../../../deliveries/attempt-number.ts'
import type { Tables } from '../schema/tables.ts'
import { functionName, OWN_PATH } from './sql.ts'

/** Text that pg-boss's statements contain. An update by hand does not contain it: it is intended, and allowed. */
const BY_FETCH = 'skip locked'
const BY_COMPLETE = 'results as'

/** The second of the last refusal. It is the value of a sequence: what is refused is rolled back, but sequences are not. */
export function refusedAt({ names }: Tables): string {
  return `"${names.postbus}".refused_at`
}

/** Runs with its owner's rights, so that it can note a refusal even if the refused role has no right to. */
export function guardFunction(tables: Tables): string {
  return `
create sequence if not exists ${refusedAt(tables)};
create or replace function ${functionName(tables, 'refuse_job')}() returns trigger
language plpgsql security definer ${OWN_PATH} as $function$
begin
  if new.retry_limit < ${RETRY_LIMIT} or not (
    new.state = 'active' and old.state < 'active' and current_query() ~* '${BY_FETCH}'
    or new.state = 'completed' and old.state = 'active' and current_query() ~* '${BY_COMPLETE}'
  ) then return null; end if;
  perform setval('${refusedAt(tables)}', extract(epoch from clock_timestamp())::bigint);
  raise exception using errcode = 'PB004',
    message = format('Queue "%s" holds deliveries of Postbus: pg-boss must not %s them, their handlers would not run.',
      new.name, case new.state when 'active' then 'fetch' else 'complete' end),
    hint = 'Run the handlers with: npx postbus worker. Give jobs of your own a queue of another name.';
end
$function$`
}

/** The triggers by name. */
export function guards(tables: Tables): Readonly<Record<string, string>> {
  const refuse = `execute function ${functionName(tables, 'refuse_job')}()`
  return {
    postbus_guard_fetch: `after update of started_on on ${tables.delivery} for each row
      when (new.heartbeat_on = new.started_on and pg_catalog.current_setting('search_path') <> 'pg_catalog, pg_temp') ${refuse}`,
    postbus_guard_complete: `after update of completed_on on ${tables.delivery} for each row
      when (new.state = 'completed') ${refuse}`,
  }
}
