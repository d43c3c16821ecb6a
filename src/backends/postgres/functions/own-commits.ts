/**
 * The functions of transactional handlers. The effects of such a handler and the end of its delivery are one commit, the commit of
 * the application's own transaction. So what we write in it has to fit any transaction, at any isolation level:
 *
 *   the application's transaction              ours, afterwards
 *   effects ──► complete: a row of its own     settle, as ever, or the cursor passes it ──► the row is deleted
 *
 * The row is only inserted. It locks no delivery, so a lane, a heartbeat or a claim never waits for an application. Its key is the
 * delivery: if two attempts of it both end, one waits for the commit of the other, and then finds that the delivery is completed.
 *
 * The row is inserted before the claim is checked. A worker that has lost its claim by then rolls back. If it loses the claim later,
 * the next attempt meets the row. The claim is checked in a statement of its own, which sees what was committed until then. Above
 * read committed it does not: there the caller has to ask on another connection.
 *
 * The delivery itself is not changed, because it has heartbeats: a transaction whose snapshot is older than the last one may not
 * change it.
 */
import type { Tables } from '../schema/tables.ts'
import { byId, claimOf, DELIVERY_COLUMNS, FIXED_PLAN, functionName, isClaimed } from './sql.ts'

/**
 * Completes the deliveries of one call of a handler, in the handler's transaction. Returns a line for each delivery that must not be
 * committed: `completed` if another attempt has completed it, `lost` if its claim is lost. The line `ask` says that the claims could
 * not be checked here. The last line is `told`: without it, the answer is not complete, and must not be taken for consent.
 *
 * An event that was read from the log has no delivery. Its claim is the cursor of its shard, which `me` has to own with the same
 * fence. In autocommit the call is refused, as a publish is (see `publish.ts`): the handler's writes would not be in this transaction.
 */
export function completeMembersFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'complete_members')}(members jsonb, me uuid) returns setof text
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  fresh uuid[];
begin
  perform set_config('postbus.published_by', 'now', true);
  with inserted as (
    insert into ${tables.completion} (delivery, skipped)
    select member.delivery, member.skipped from jsonb_to_recordset(members) as member (delivery uuid, skipped text)
    on conflict do nothing returning delivery
  ) select array_agg(inserted.delivery) into fresh from inserted;
  perform set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
  return query select 'completed ' || member.delivery from jsonb_to_recordset(members) as member (delivery uuid)
    where fresh is null or member.delivery <> all(fresh);
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    return next 'ask';
  else
    return query ${lostMembers(tables, { members: 'members', me: 'me' })};
  end if;
  return next 'told';
end
$function$`
}

/** SQL: a line for each of the members whose claim is lost. */
export function lostMembers(
  tables: Tables,
  { members, me }: { readonly members: string; readonly me: string },
): string {
  const { logCursor } = tables
  return `select 'lost ' || member.delivery
    from jsonb_to_recordset(${members}) as member (delivery uuid, queue text, claimed uuid, claim bigint, handler text, shard integer, fence bigint)
    where not case when member.queue is null
      then exists (
        select from ${logCursor} one
        where one.handler = member.handler and one.shard = member.shard and one.owner = ${me} and one.fence = member.fence
      )
      else exists (
        ${byId(tables, { queue: 'member.queue', id: 'member.claimed' }, '1')}
          and ${claimOf('job')} = member.claim and ${isClaimed('job')}
      ) end`
}

/** The settle functions, with one parameter more: the deliveries that may have a row of `completion`. */
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

/** Deletes a row together with its delivery. While the delivery exists, also as a dead letter, the row stays: it says what is done. */
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

const ACKNOWLEDGES = `me uuid, handlers text[], shards integer[], fences bigint[], from_seqs bigint[], to_seqs bigint[],
  hashes text[], queues text[], priorities integer[], jobs jsonb, ended jsonb, passed jsonb`

/**
 * Also deletes the rows of events that the cursor has passed, if they have become no delivery. Such an event is not read again, unless an
 * operator says so.
 */
export function acknowledgeCompletedFunction(tables: Tables): string {
  const passes = ACKNOWLEDGES.replaceAll(/ (uuid|text|integer|bigint|jsonb)(\[\])?/g, '')
  const isStored = (queue: string) => byId(tables, { queue, id: 'one.delivery' }, '1')
  return `
create or replace function ${functionName(tables, 'completed_log_acknowledge')}(${ACKNOWLEDGES}, completed uuid[], places integer[])
returns table (acknowledged integer) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  known integer[];
begin
  known := array(select * from ${functionName(tables, 'log_acknowledge')}(${passes}));
  delete from ${tables.completion} one using unnest(completed, places) as gone (delivery, place)
  where one.delivery = gone.delivery and gone.place = any(known)
    and not exists (${isStored('queues[gone.place]')}) and not exists (${isStored(`queues[gone.place] || '_partitioned'`)});
  return query select unnest(known);
end
$function$`
}
