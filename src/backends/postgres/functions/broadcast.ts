/**
 * The function that broadcasts: one notification for each message, at the commit. A message that is too long for a notification is
 * stored, and its number is sent instead.
 *
 * A call that stores a message also deletes some old ones. Above read committed it does not: there, a row that another transaction has
 * deleted meanwhile would abort the caller's transaction.
 */
import type { Tables } from '../schema/tables.ts'
import { functionName, OWN_PATH } from './sql.ts'

/** NOTIFY carries fewer bytes than this. */
const LIMIT_BYTES = 8_000
/** A message is kept for this long. A listener that is away for longer is told that it has missed one. */
const KEPT = `interval '10 minutes'`
/** One call deletes at most this many: more than usually come in with it, so that messages do not pile up. */
const DELETED = 100

export function broadcastFunction(tables: Tables): string {
  const { broadcast, broadcastChannel } = tables
  return `
create or replace function ${functionName(tables, 'broadcast')}(messages text) returns text
language plpgsql ${OWN_PATH} as $function$
declare
  sent text;
  stored bigint;
begin
  for sent in select one.message from jsonb_array_elements_text(messages::jsonb) with ordinality as one (message, ord) order by one.ord
  loop
    if octet_length(sent) >= ${LIMIT_BYTES} then
      insert into ${broadcast} (message) values (sent) returning id into stored;
      sent := stored::text;
    end if;
    perform pg_notify('${broadcastChannel}', sent);
  end loop;
  if stored is not null and current_setting('transaction_isolation') = 'read committed' then
    delete from ${broadcast} gone where gone.id in (
      select oldest.id from (select id, sent_at from ${broadcast} order by id limit ${DELETED} for update skip locked) oldest
      where oldest.sent_at < clock_timestamp() - ${KEPT}
    );
  end if;
  return 'sent';
end
$function$`
}
