/**
 * Empties a test database between tests: every table that was empty after the migrations, Postbus's and the application's.
 * Tables that the migrations filled (their own history, queues, reference data) are left alone.
 */
import { PostbusError } from '../../errors.ts'
import type { Client } from './administration.ts'

const LOCK_TIMEOUT_MS = 2_000

/** Creates the cleaning function. The database must be in the state that each test begins with. `kept` are tables to leave alone. */
export async function installCleaning(client: Client, kept: readonly string[]): Promise<void> {
  await client.query('create schema postbus_test')
  await client.query('create table postbus_test.kept (name regclass primary key)')
  await keepNamed(client, kept)
  await client.query(KEEP_FILLED)
  await client.query(CLEAN)
}

/** Takes a few milliseconds when little was written, because empty tables are skipped. */
export async function clean(client: Client): Promise<void> {
  try {
    await client.query('select postbus_test.clean()')
  } catch (error) {
    throw isLockTimeout(error) ? busy(await othersIn(client), error) : error
  }
}

async function keepNamed(client: Client, kept: readonly string[]): Promise<void> {
  for (const name of kept) {
    const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name])
    if (!rows[0]?.found) {
      throw new PostbusError(
        'POSTBUS_INVALID_OPTIONS',
        `testDatabase(): table "${name}" of \`keepTables\` does not exist.`,
      )
    }
    await client.query('insert into postbus_test.kept values ($1::text::regclass) on conflict do nothing', [name])
  }
}

/** All tables in every schema, except the tables of Postgres, of extensions and of `postbus_test`. Partitions are listed one by one. */
const TABLES = `
      select class.oid::regclass as name from pg_class class join pg_namespace space on space.oid = class.relnamespace
      where class.relkind = 'r' and class.relpersistence <> 't' and space.nspname <> 'postbus_test'
        and space.nspname <> 'information_schema' and not starts_with(space.nspname, 'pg_')
        and not exists (select from pg_depend where objid = class.oid and classid = 'pg_class'::regclass and deptype = 'e')`

const KEEP_FILLED = `
  do $$ declare one regclass; filled boolean; begin
    for one in ${TABLES} loop
      execute format('select exists (select from %s)', one) into filled;
      if filled then insert into postbus_test.kept values (one) on conflict do nothing; end if;
    end loop;
  end $$`

/**
 * Postgres truncates a table only together with the tables that refer to it. None of these may be a kept table: with
 * \`cascade\` it would be emptied silently.
 */
const CLEAN = `
  create function postbus_test.clean() returns void language plpgsql as $$
  declare one regclass; filled boolean; used regclass[] := '{}'; kept regclass;
  begin
    perform set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
    for one in ${TABLES} and class.oid not in (select kept.name from postbus_test.kept) loop
      execute format('select exists (select from %s)', one) into filled;
      if filled then used := used || one; end if;
    end loop;
    if cardinality(used) = 0 then return; end if;

    with recursive emptied as (
      select unnest(used) as name
      union
      select reference.conrelid::regclass from pg_constraint reference
      join emptied on emptied.name = reference.confrelid where reference.contype = 'f'
    ) select array_agg(emptied.name), min(kept.name::text)::regclass into used, kept
      from emptied left join postbus_test.kept using (name);
    if kept is not null then
      raise exception 'Table % is kept, but refers to a table that is emptied before each test. Keep that one too: testDatabase({ keepTables })', kept;
    end if;
    execute 'truncate ' || array_to_string(used, ', ') || ' restart identity';
  end $$`

async function othersIn(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ doing: string }>(
    `select format('%s (%s): %s', application_name, state, left(query, 120)) as doing from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'`,
  )
  return rows.map(({ doing }) => doing)
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}

function busy(others: readonly string[], cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_TEST_DATABASE_BUSY',
    `The test database cannot be emptied: for ${LOCK_TIMEOUT_MS / 1_000} s something has held its tables. End transactions, and stop ` +
      `workers, before a test ends. Connections that are at work:\n${others.map((one) => `  ${one}`).join('\n') || '  none any more'}`,
    { cause },
  )
}
