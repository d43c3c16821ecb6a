/**
 * The function that says how far handlers may read the log: up to a seq below which every event is final. It can know that in two
 * ways, and takes no transaction id for either. So only publishers hold a reader back.
 *
 *   no gap     after the known position, the events follow each other without a missing seq
 *   a gap      an open transaction has the missing seq, or it was rolled back. A transaction locks the table of events for writing before it takes
 *              a seq, and until it ends. So: note the last seq that was taken and then, in a later statement, who holds that lock. When all
 *              of these transactions have ended, no event up to that seq can appear any more.
 *
 * A prepared transaction keeps its name in the list of locks until the server restarts. Then its name begins with -1, and it is waited for in any case.
 *
 * The result includes the life of the server. After a crash, a seq that was rolled back may be given out once more, so a reader must
 * forget what it knew before. The stored positions of cursors stay valid: they came to the disk after those seqs.
 *
 * Call it outside of transactions that publish: it does not wait for the caller's own transaction, whose events it sees.
 */
import type { Tables } from '../schema/tables.ts'
import { functionName, OWN_PATH } from './sql.ts'

/** One call looks at up to this many events for gaps. */
const LOOKED_AT = 5_000

/** `known`: the seq up to which all was final so far. `gap_to` and `holders`: what an earlier call has noted of a gap. */
export function logWatermarkFunction(tables: Tables): string {
  const { event, eventSeq, serverLife } = tables
  // An insert is listed with this mode, also in a transaction that holds a stronger lock.
  const holding = `from pg_locks lock where lock.locktype = 'relation' and lock.relation = '${event}'::regclass
      and lock.database = (select oid from pg_database where datname = current_database())
      and lock.mode = 'RowExclusiveLock' and lock.granted and lock.pid is distinct from pg_backend_pid()`
  return `
create or replace function ${functionName(tables, 'log_watermark')}(known bigint, gap_to bigint, holders text[])
returns table (final float8, gap float8, held_by text[], taken float8, life uuid) language plpgsql ${OWN_PATH} as $function$
declare
  w bigint := known;
  s bigint;
begin
  select one.id into life from ${serverLife} one where one.only_one;
  if not found then
    insert into ${serverLife} default values on conflict do nothing;
    select one.id into life from ${serverLife} one where one.only_one;
  end if;
  if gap_to is not null and not exists (
    select ${holding} and (lock.virtualtransaction = any(holders) or lock.virtualtransaction like '-1/%')
  ) then
    w := greatest(w, gap_to);
    gap_to := null;
  end if;

  select case when one.is_called then one.last_value else one.last_value - 1 end into s from ${eventSeq} one;
  if w < s then
    w := coalesce((
      select max(following.seq) from (
        select event.seq, row_number() over (order by event.seq) as place from ${event} event
        where event.seq > w order by event.seq limit ${LOOKED_AT}
      ) following where following.seq = w + following.place
    ), w);
  end if;
  if gap_to is not null and w >= gap_to then gap_to := null; end if;
  if gap_to is null then holders := null; end if;

  if w < s and gap_to is null and not exists (select from ${event} event where event.seq = w + 1) then
    select array_agg(lock.virtualtransaction) into holders ${holding};
    if holders is null then
      w := s;
    else
      gap_to := s;
    end if;
  end if;
  final := w;
  gap := gap_to;
  held_by := holders;
  taken := s;
  return next;
end
$function$`
}
