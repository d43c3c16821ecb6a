/**
 * Moves queues that an earlier release has made, each with a table of its own, into the table that queues share. Deliveries
 * that wait, run or have died stay jobs; done ones become history.
 */
import type { Queryable } from '../connection.ts'
import { functionName, attemptOf, errorsIn } from '../functions/sql.ts'
import { AS_A_GUEST, untilLocked } from '../schema/lock-waits.ts'
import type { Tables } from '../schema/tables.ts'

interface OldQueue {
  readonly name: string
  readonly table: string
  readonly suffix: string
}

/** Our queues with tables of their own: the comment on the table, from an earlier release, says that it is ours. */
export async function queuesToMove(database: Queryable, tables: Tables): Promise<readonly OldQueue[]> {
  const { rows } = await database.query<OldQueue>(
    `select queue.name, queue.table_name as table, substr(queue.table_name, 2, 16) as suffix from ${tables.queue} queue
    where queue.partition and obj_description(to_regclass(format('%I.%I', $1::text, queue.table_name)), 'pg_class')
      ~ ('^deliveries of postbus schema ' || $2 || '(,|$)') order by queue.name`,
    [tables.names.pgboss, tables.names.postbus],
  )
  return rows
}

/** Moves in one statement, and so in one transaction. Nothing of the queue can be claimed or published meanwhile. */
export async function moveQueue(database: Queryable, tables: Tables, { name, table, suffix }: OldQueue): Promise<void> {
  const own = `"${tables.names.pgboss}"."${table}"`
  const seq = `${tables.seqOfDelivery}(job.id)`
  const functions = [
    'claim',
    'settle',
    'keep',
    'recover',
    'promote',
    'walk',
    'set_aside',
    'sweep',
    'skip',
    'ended',
    'prune',
  ]
  await untilLocked(`move queue "${name}"`, () =>
    database.query(`${AS_A_GUEST}
    do $move$ begin
      alter table ${tables.job} detach partition ${own};
      insert into ${tables.ownQueue} (name) values ('${name}') on conflict do nothing;
      update ${tables.queue} set partition = false, table_name = '${tables.delivery.split('.')[1]}' where name = '${name}';
      insert into ${tables.history} (seq, ended_at, took_ms, turn, handler, attempts, detail)
      select ${seq}, coalesce(job.completed_on, now()),
        coalesce(least(extract(epoch from job.completed_on - job.started_on) * 1000, 2147483647)::integer, 0),
        (select number from ${tables.historyTurn}), ${functionName(tables, 'handler_number')}(job.data ->> 'handler'),
        nullif(greatest(1, ${attemptOf('job')}), 1),
        case when job.output is not null then jsonb_build_object('errors', ${errorsIn('job.output')}) end
      from ${own} job where job.state = 'completed' and exists (select from ${tables.event} event where event.seq = ${seq});
      insert into ${tables.job} select * from ${own} job where job.state <> 'completed';
      drop table ${own};
    end $move$`),
  )
  for (const what of functions) {
    await database.query(`
      do $drop$ declare one regprocedure; begin
        for one in select oid::regprocedure from pg_proc
          where proname = '${what}_${suffix}' and pronamespace = '"${tables.names.postbus}"'::regnamespace
        loop execute 'drop function ' || one; end loop;
      end $drop$`)
  }
}
