/**
 * A clock that a test can move. All our statements read the time from pg-boss's function `job_now()`; in a test database
 * it returns the real time plus the offset that the test has set. So time goes on between two moves, and an event that was
 * published first stays first.
 *
 * A database is refused, and not changed, if neither its name nor its comment says that it is for tests.
 */
import type { Queryable } from '../../backends/postgres/connection.ts'
import { HELD } from '../../backends/postgres/functions/sql.ts'
import type { Tables } from '../../backends/postgres/schema/tables.ts'
import { PostbusError } from '../../errors.ts'

/** `app_test`, `test-7`, `testdb`, `postbus_test_1f`; not `latest`, not `contest`. */
const SAYS_TEST = /(^|[^a-z])test(s|ing|db)?([^a-z]|$)/i
const MARK = 'postbus test database'

export interface ClockPlace {
  readonly connection: { pool(): Promise<Queryable> }
  readonly tables: Tables
}

export interface TestClock {
  /** The database's time, as deliveries see it. */
  now(): Promise<Date>
  /** Goes forward by this much. */
  advance(ms: number): Promise<void>
  /** Goes to this time, forwards or backwards. */
  set(time: Date): Promise<void>
  /**
   * Goes forward to when the next waiting delivery of these queues is due, unless that is after `until`. Returns whether
   * there was such a delivery. A delivery that has become due by itself since `lookedAt` counts too.
   */
  toNextDue(
    queues: readonly string[],
    between: { readonly lookedAt: Date; readonly until: Date | null },
  ): Promise<boolean>
  /** Goes back to the real time. */
  reset(): Promise<void>
}

/**
 * The clock as `within` sees it, which may be a transaction. The clock is installed on a connection of our own: if a transaction
 * changed the function, all other connections would wait for it.
 *
 * @throws {PostbusError} `POSTBUS_NOT_A_TEST_DATABASE`.
 */
export async function testClock({ connection, tables }: ClockPlace, within?: Queryable): Promise<TestClock> {
  const table = `"${tables.names.pgboss}".postbus_test_clock`
  const pool = await connection.pool()
  await install(pool, tables, table)
  const database = within ?? pool

  const move = async (seconds: string, values: unknown[]) =>
    void (await database.query(`update ${table} set moved = make_interval(secs => (${seconds})::float8)`, values))
  const moved = `(select extract(epoch from moved) from ${table})`
  return {
    async now() {
      const { rows } = await database.query<{ ms: string }>(
        `select (extract(epoch from ${tables.jobNow}) * 1000)::text as ms`,
      )
      return new Date(Number(rows[0]?.ms))
    },
    advance: (ms) => move(`${moved} + $1::text::numeric / 1000`, [String(ms)]),
    set: (time) => move('extract(epoch from $1::text::timestamptz - pg_catalog.now())', [time.toISOString()]),
    async toNextDue(queues, { lookedAt, until }) {
      // A microsecond more, because the interval is made from a float. Parked deliveries are due at infinity; gated and held ones wait
      // for no point in time either.
      const { rows } = await database.query(
        `update ${table} set moved =
          make_interval(secs => (${moved} + greatest(0, extract(epoch from due.at - ${tables.jobNow})))::float8) + interval '1 microsecond'
        from (
          select min(job.start_after) as at from ${tables.job} job
          where job.name in (select jsonb_array_elements_text($1::text::jsonb)) and job.state < 'active' and not job.blocked
            and isfinite(job.start_after) and job.start_after < ${HELD} and job.start_after > $3::text::timestamptz
        ) as due
        where due.at <= coalesce($2::text::timestamptz, 'infinity')
        returning 1 as moved`,
        [JSON.stringify(queues), until?.toISOString() ?? null, lookedAt.toISOString()],
      )
      return rows.length > 0
    },
    reset: () => move('0', []),
  }
}

/** Installs the clock, once per database. It is never uninstalled, because the database is dropped after the tests. */
async function install(database: Queryable, { names }: Tables, table: string): Promise<void> {
  const { rows } = await database.query<{ name: string; mark: string | null; installed: boolean }>(
    `select datname as name, shobj_description(oid, 'pg_database') as mark, to_regclass($1) is not null as installed
    from pg_database where datname = current_database()`,
    [table],
  )
  const { name = '', mark = null, installed = false } = rows[0] ?? {}
  if (!SAYS_TEST.test(name) && !mark?.startsWith(MARK)) throw notATestDatabase(name)
  if (installed) return

  // One statement, so that another process sees all of it or nothing.
  await database.query(`
    do $install$ begin
      perform pg_advisory_xact_lock(hashtextextended('${table}', 0));
      create table if not exists ${table} (moved interval not null);
      if not exists (select from ${table}) then insert into ${table} values ('0'); end if;
      create or replace function "${names.pgboss}".job_now() returns timestamptz language sql stable as $now$
        select pg_catalog.now() + coalesce((select moved from ${table} limit 1), '0')
      $now$;
    end $install$`)
}

function notATestDatabase(name: string): PostbusError {
  return new PostbusError(
    'POSTBUS_NOT_A_TEST_DATABASE',
    `Time can only be moved in a database for tests, and the name "${name}" does not say that it is one. Take one from ` +
      `testDatabase(), or one whose name contains the word "test", or run: comment on database "${name}" is '${MARK}'`,
  )
}
