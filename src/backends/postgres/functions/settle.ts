/**
 * The function that ends attempts in a queue without keys, a group of them at once, and what it has in common with that of
 * a partitioned one. Most attempts are done, and there is no more to say of them: their ids and claims come in arrays. The others
 * come as JSON, with what has to be written about them.
 *
 *   done         deleted, and a row of the history written (see `history.ts`)
 *   passed       the same; it was not handled, and the history says why
 *   retry        waits for its time
 *   later        waits for its time, and has used no attempt
 *   dead         stays as a failed job, with a dead letter; or alive at the head of its lane, if it blocks that
 *
 * Every row is fenced by its claim (`claimOf`): a worker whose delivery was claimed again changes nothing. If its claim was taken
 * over, but no worker has claimed the delivery since, its settle counts (`isClaimed`). The statement that ends a delivery also
 * writes its dead letter or its history. So a delivery is never lost: it is in the queue, a dead letter, or in the history.
 *
 * `settle-lanes.ts` says what an end means for a lane.
 */
import type { Tables } from '../schema/tables.ts'
import { awaitingAfter } from './awaiting.ts'
import { HISTORY_VARIABLES, readingTurn, writingHistory } from './history.ts'
import { tellingOfEnds } from './watch.ts'
import { finishing } from './finish.ts'
import { buryingDeliveries, UNLESS_BURIED } from './letters.ts'
import { attemptOf, byId, claimOf, FIXED_PLAN, functionName, HANDLER, isClaimed, withError } from './sql.ts'

/** Returns the ids of the deliveries whose claims were ours; one null stands for all of them, if all are done. */
export function settleFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'settle_2')}(
  of_queue text, done uuid[], claims bigint[], others jsonb
) returns table (settled uuid)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  claimed record;
  ours uuid[];${HISTORY_VARIABLES}
begin
  ${beginningToEnd(tables)}
  -- By the name of the claim: so many ids and one name are one search of the primary key, and what was claimed together has the same.
  for claimed in
    select outcome.claim as number, array_agg(outcome.id) as ids from unnest(done, claims) as outcome (id, claim) group by 1
  loop
    with ended as (
      delete from ${tables.delivery} job
      where job.name = of_queue and job.id = any(claimed.ids) and ${claimOf('job')} = claimed.number
        and ${isClaimed('job')}
      returning ${ended()}
    ), ${writingHistory(tables, 'ended')}
    ${COLLECT};
  end loop;
  ${endingOthers(tables, COLLECT)}
  ${tellingOfEnds(tables, 'ours')}
  ${finishing(tables, 'ours')}
  if others is null and cardinality(ours) = cardinality(done) then
    settled := null;
    return next;
    return;
  end if;
  return query select unnest(ours);
end
$function$`
}

const COLLECT = 'select ours || array_agg(ended.id) into ours from ended'

/** Comes first: a lock on the dead letters holds the settle up here, before it locks a row. Heartbeats pass over locked rows. */
export function beginningToEnd(tables: Tables): string {
  return `if others is not null then lock table ${tables.deadLetter} in row exclusive mode; end if;
  if done <> '{}' or others is not null then
    ${readingTurn(tables)}
  end if;`
}

/** The columns of a deleted delivery that the history needs. */
export function ended(startedOn = 'job.started_on'): string {
  return `job.id, job.singleton_key, ${startedOn} as started_on, ${HANDLER} as handler, ${attemptOf('job')} as attempts, job.output`
}

/** SQL: ends the attempts that are not done. `collect` keeps the deliveries that were ours, from `ended`. */
export function endingOthers(tables: Tables, collect: string): string {
  return `if others is not null then
    ${endOthers(tables, collect)}
  end if;`
}

function endOthers(tables: Tables, collect: string): string {
  const { delivery, clock, names } = tables
  const how = (field: 'as' | 'reason') => `passed_as -> gone.id::text ->> '${field}'`
  return `declare
      rows tid[];
      passed tid[];
      passed_as jsonb;
    begin
      select array_agg(job.row), array_agg(job.row) filter (where outcome.passed_as is not null),
        jsonb_object_agg(outcome.id, jsonb_build_object('as', outcome.passed_as, 'reason', outcome.reason))
          filter (where outcome.passed_as is not null)
      into rows, passed, passed_as
      from jsonb_to_recordset(others) as outcome (id uuid, claim bigint, passed_as text, reason text)
      left join lateral (
        ${byId(tables, { queue: 'of_queue', id: 'outcome.id' }, 'job.ctid as row')} and ${claimOf('job')} = outcome.claim
          and ${isClaimed('job')}
        for update
      ) job on true;

      with gone as (
        delete from ${delivery} job where job.ctid = any(passed) returning ${ended()}
      ), ${writingHistory(tables, 'gone', { outcome: how('as'), reason: how('reason') })}, changed as (
        update ${delivery} job set
          state = (case when outcome.outcome = 'dead' and not outcome.blocks then 'failed' else 'retry' end)::"${names.pgboss}".job_state,
          completed_on = case when outcome.outcome = 'dead' and not outcome.blocks then ${clock} end,
          start_after = case
            when outcome.outcome = 'awaiting' and job.data ? 'told' then ${clock}
            when outcome.outcome in ('retry', 'later', 'awaiting') then ${clock} + outcome.delay_ms * interval '1 ms'
            when outcome.blocks then 'infinity'
            else job.start_after end,
          retry_limit = job.retry_limit + case when outcome.outcome in ('later', 'awaiting') then 1 else 0 end,
          data = ${awaitingAfter('outcome.outcome')},
          heartbeat_on = null,
          output = ${withError('job.output', 'outcome.error')}
        from rows from (
          jsonb_to_recordset(others) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
          unnest(rows)
        ) as outcome (outcome, delay_ms, error, reason, blocks, row)
        where job.ctid = outcome.row and outcome.outcome <> 'passed'
        returning job.id, job.name, job.singleton_key, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
      ), letters as (
        ${buryingDeliveries(tables, { reason: 'changed.reason', blocks: 'changed.blocks' })}
        where changed.outcome = 'dead'
        ${UNLESS_BURIED}
      ), ended as (
        select changed.id, changed.singleton_key from changed union all select gone.id, gone.singleton_key from gone
      )
      ${collect};
    end;`
}
