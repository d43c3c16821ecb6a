/**
 * The settings that our statements need in their session, where the defaults may be different:
 *
 * - Claims and settles look again, in a later statement, at what has changed since they began. Under a stricter isolation
 *   level than read committed they would not see it.
 * - What we answer to have committed must survive a crash of the server: see `deliveries/durability.ts`.
 * - A transaction is open until its answer is sent, and a claim holds up all others of its queue until then. A process that
 *   was frozen while it read loses its connection, and with it the claim.
 * - A claim that waits for its turn takes nothing any more when its worker has given up on it: it would run nowhere.
 * - What our statements name is found in pg_catalog, or in the schema that they say. Who may create functions in a schema of
 *   the role's search path cannot have them run by us.
 * - Times and numbers come in one form, and a statement is ended by our own limits.
 *
 * A session that is ours alone is told once. Behind a pooler, or in a pool of the application's, the next one on the same session
 * may be a stranger: there each statement of ours is a transaction of its own, which is told with `set local`, so that nothing
 * of it outlives the commit. Which of the two a session is tells the server: the id of its process is the one that the
 * connection was given at its start, unless there is a pooler in between.
 */
import { COMMITS_WAIT } from '../deliveries/durability.ts'

/** Runs statements without values, several in one message. */
type Run = (text: string) => Promise<unknown>

/** A process that stops between a statement of ours and its commit keeps locks for no longer than this. */
const LONGEST_PAUSE = '5s'

/** A statement that its sender does not wait for any more is ended a little later. */
const LATER_MS = 1_000

/**
 * Each setting with its value as SQL. What a server does not know is left out.
 *
 * @param statementMs How long the sender waits for a statement.
 */
function settings(statementMs: number): readonly (readonly [name: string, value: string])[] {
  return [
    ['synchronous_commit', COMMITS_WAIT],
    ['search_path', `'pg_catalog, pg_temp'`],
    ['tcp_user_timeout', `'5s'`],
    ['statement_timeout', `'${statementMs + LATER_MS}'`],
    ['lock_timeout', `'0'`],
    ['transaction_timeout', `'0'`],
    ['idle_session_timeout', `'0'`],
    ['datestyle', `'ISO'`],
    ['intervalstyle', `'postgres'`],
    ['extra_float_digits', `'1'`],
    ['standard_conforming_strings', `'on'`],
    ['quote_all_identifiers', `'off'`],
    ['array_nulls', `'on'`],
  ]
}

/**
 * Tells a new session what we need, if it is ours alone. Answers whether it is.
 *
 * @param processId What the connection was told at its start.
 */
export async function prepareOwnSession(
  run: Run,
  processId: number | null | undefined,
  statementMs: number,
): Promise<boolean> {
  const own = `pg_catalog.pg_backend_pid() operator(pg_catalog.=) ${processId ?? 0}`
  const setting = settingAll([
    ...settings(statementMs),
    ['idle_in_transaction_session_timeout', `'0'`],
    ['default_transaction_isolation', `'read committed'`],
  ])
  const answers = await run(`
    do $$ begin
      if not (${own}) then return; end if;
      perform ${setting(false)};
      begin
        perform ${settingAll([['client_connection_check_interval', `'1s'`]])(false)};
      exception when invalid_parameter_value then null; -- a server on a system that cannot look
      end;
    end $$;
    select (${own})::pg_catalog.text as own`)
  return isTrue(answers)
}

/** Begins a transaction on a session that may not be ours alone, and tells it what we need, until the end of the transaction. */
export async function beginOnSharedSession(run: Run, statementMs: number): Promise<void> {
  await run(sharedSessionBegin(statementMs))
}

/** The same as text, to be run by other means. */
export function sharedSessionBegin(statementMs: number): string {
  const wanted = [...settings(statementMs), ['idle_in_transaction_session_timeout', `'${LONGEST_PAUSE}'`] as const]
  return `begin isolation level read committed; select ${settingAll(wanted)(true)}`
}

/** The rest of a statement that sets all of these. */
function settingAll(wanted: readonly (readonly [name: string, value: string])[]) {
  const values = wanted.map(([name, value]) => `('${name}', ${value})`).join(', ')
  return (local: boolean) =>
    `pg_catalog.set_config(wanted.name, wanted.value, ${local}) from (values ${values}) as wanted (name, value)
      where pg_catalog.current_setting(wanted.name, true) is not null`
}

/** The last of several answers, however the connection's parsers see a text. */
function isTrue(answers: unknown): boolean {
  const last: unknown = Array.isArray(answers) ? answers.at(-1) : answers
  const rows = typeof last === 'object' && last !== null && 'rows' in last ? last.rows : []
  return JSON.stringify(rows) === '[{"own":"true"}]'
}
