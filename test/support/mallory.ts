/**
 * A schema full of traps: each function, operator, type and table of pg_catalog that a statement could mean, under the same name.
 * Each of them raises an error that begins with "mallory" if it runs. For sessions whose search_path has `evil` before pg_catalog.
 */
import type { Queryable } from '../../src/backends/postgres/connection.ts'

const TYPES = [
  'text',
  'uuid',
  'jsonb',
  'json',
  'timestamptz',
  'tid',
  'xid8',
  'float8',
  'regclass',
  'name',
  'oid',
  'int4',
  'int8',
]
const TABLES = [
  'pg_class',
  'pg_index',
  'pg_namespace',
  'pg_trigger',
  'pg_proc',
  'pg_stat_activity',
  'pg_locks',
  'pg_replication_slots',
  'pg_stat_replication',
  'pg_prepared_xacts',
  'event',
  'dead_letter',
  'job',
  'job_common',
  'queue',
  'worker',
]

/** Makes the schema. Returns how many traps there are, which differs a little from one Postgres to the next. */
export async function layTraps(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ traps: number }>(`select evil.lay() as traps`).catch(async () => {
    await database.query(LAY)
    return database.query<{ traps: number }>(`select evil.lay() as traps`)
  })
  return rows[0]?.traps ?? 0
}

const LAY = `
create schema evil;
create function evil.trap() returns boolean language plpgsql as $$ begin raise exception 'mallory: a type'; end $$;
create function evil.lay() returns integer language plpgsql set search_path = pg_catalog as $lay$
declare
  one record;
  traps integer := 0;
  body text := 'language plpgsql as $$ begin raise exception ''mallory: NAME''; end $$';
begin
  for one in
    select proname as name, pg_get_function_identity_arguments(oid) as takes, pg_get_function_result(oid) as returns
    from pg_proc where pronamespace = 'pg_catalog'::regnamespace and prokind = 'f' and provariadic <> '"any"'::regtype
    union values ('concat_ws', 'text, text, text', 'text'), ('format', 'text, text', 'text'), ('format', 'text, text, text', 'text'),
      ('jsonb_build_object', 'text, integer', 'jsonb'), ('jsonb_build_object', 'text, jsonb', 'jsonb')
  loop
    begin
      execute format('create function evil.%I(%s) returns %s %s', one.name, one.takes, one.returns, replace(body, 'NAME', one.name));
      traps := traps + 1;
    exception when others then null; -- an internal one
    end;
  end loop;
  for one in select oid, oprname as name, nullif(oprleft, 0)::regtype as takes, oprright::regtype as also, oprresult::regtype as returns from pg_operator
    where oprnamespace = 'pg_catalog'::regnamespace
  loop
    begin
      execute format('create function evil.operator_%s(%s) returns %s %s', one.oid, concat_ws(', ', one.takes, one.also), one.returns,
        replace(body, 'NAME', replace(one.name, '%', '%%')));
      execute format('create operator evil.%s (%s rightarg = %s, function = evil.operator_%s)', one.name,
        'leftarg = ' || one.takes || ',', one.also, one.oid);
      traps := traps + 1;
    exception when others then null;
    end;
  end loop;
  for one in select unnest(array['${TYPES.join("','")}']) as name loop
    execute format('create domain evil.%I as pg_catalog.%I check (evil.trap())', one.name, one.name);
    traps := traps + 1;
  end loop;
  for one in select unnest(array['${TABLES.join("','")}']) as name loop
    execute format('create table evil.%I (mallory integer)', one.name);
    traps := traps + 1;
  end loop;
  return traps;
end
$lay$`
