/**
 * The functions of transactional handlers. What such a handler has done and the end of its delivery are one commit, and that commit
 * is the application's own transaction. So what is written there has to fit any transaction, at any isolation level:
 *
 *   the application's transaction              ours, afterwards
 *   effects ──► complete: a row of its own     settle, as ever ──► the row is deleted
 *
 * The row is only inserted. It locks no delivery, so a lane, a heartbeat or a claim never waits for an application. Its key is the
 * delivery: of two attempts that both come to an end, one waits for the commit of the other, and then finds that it is completed.
 *
 * The row is there before the claim is looked at. A worker that had lost its claim at that moment rolls back; one that loses it
 * later has a successor who meets the row. The claim is looked at in a statement of its own, which sees what was committed until then.
 * Above read committed it does not: there the caller has to ask on another connection.
 *
 * Why not the delivery itself: it has heartbeats, and a transaction that has its snapshot from before the last one may not change it.
 */
import type { Tables } from '../schema/tables.ts'
import { byId, claimOf, DELIVERY_COLUMNS, FIXED_PLAN, functionName, isClaimed } from './sql.ts'

/**
 * Returns `ours`; `lost`, the claim; `completed`, by an attempt before; or `ask` whether the claim is ours. In autocommit it is
 * refused, as a publish is (see `publish.ts`): what the handler wrote would not be in this transaction.
 */
export function completeClaimedFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'complete_claimed')}(of_queue text, of_delivery uuid, claim bigint, skipped text) returns text
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  is_first boolean;
begin
  perform set_config('postbus.published_by', 'now', true);
  insert into ${tables.completion} (delivery, skipped) values (of_delivery, complete_claimed.skipped) on conflict do nothing;
  is_first := found;
  perform set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
  if not is_first then return 'completed'; end if;
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then return 'ask'; end if;
  perform from (${byId(tables, { queue: 'of_queue', id: 'of_delivery' }, 'job.id')}
    and ${claimOf('job')} = complete_claimed.claim and ${isClaimed('job')}) job;
  return case when found then 'ours' else 'lost' end;
end
$function$`
}

/** What settling takes, and the deliveries among it of which there may be a row. */
export function settleCompletedFunctions(tables: Tables): readonly string[] {
  return [
    settling(tables, {
      name: 'settle_2',
      takes: 'of_queue text, done uuid[], claims bigint[], others jsonb',
      passes: 'of_queue, done, claims, others',
      returns: 'settled uuid',
    }),
    settling(tables, {
      name: 'settle_lanes_2',
      takes: 'of_queue text, done uuid[], runs jsonb, others jsonb, ends_run uuid[], behind integer, shadows text[]',
      passes: 'of_queue, done, runs, others, ends_run, behind, shadows',
      returns: `settled uuid, more boolean, cut boolean, ${DELIVERY_COLUMNS}`,
    }),
  ]
}

interface Settling {
  readonly name: 'settle_2' | 'settle_lanes_2'
  readonly takes: string
  readonly passes: string
  readonly returns: string
}

/** A row goes with its delivery, in one transaction. While the delivery is there, also as a dead letter, it stays: it says what is done. */
function settling(tables: Tables, { name, takes, passes, returns }: Settling): string {
  return `
create or replace function ${functionName(tables, `completed_${name}`)}(${takes}, completed uuid[])
returns table (${returns}) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
begin
  return query select * from ${functionName(tables, name)}(${passes});
  delete from ${tables.completion} one where one.delivery = any(completed) and not exists (
    select from ${tables.delivery} job where job.name = of_queue and job.id = one.delivery
  );
end
$function$`
}
