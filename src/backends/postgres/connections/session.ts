/**
 * The session settings that our statements need, because the defaults may be different:
 *
 * - Claims and settles look again, in a later statement, for changes made since they began. Under an isolation level stricter
 *   than read committed they would not see these changes.
 * - A commit that we have reported must survive a crash of the server: see `deliveries/durability.ts`.
 * - A transaction stays open until its answer is sent, and until then a claim blocks all other claims of its queue. So a
 *   process that freezes while it reads the answer loses its connection, and with it the claim.
 * - A claim that waits for its turn must take nothing once its worker has given up on it: the deliveries would run nowhere.
 * - Names in our statements are found only in pg_catalog, or in the schema that the statement names. So we never run a function
 *   that another role has created in a schema of our role's search path.
 * - Times and numbers come in one form, and a statement is ended by our own limits.
 *
 * A session that is ours alone gets the settings once. Behind a pooler, or in the application's own pool, another program may use
 * the same session next. There each of our statements is its own transaction, with local settings that end at the commit. For a
 * connection of our own, the server's process id tells the two cases apart: it is the id that the connection got at its start,
 * unless there is a pooler in between.
 */
import { COMMITS_WAIT } from '../deliveries/durability.ts'

/** Runs statements without values, several in one message. */
type Run = (text: string) => Promise<unknown>

/** A process that stops between a statement of ours and its commit keeps locks for no longer than this. */
const LONGEST_PAUSE = '5s'

/** The server ends a statement this much later than its sender stops waiting for it. */
const LATER_MS = 1_000

/**
 * Each setting with its value as SQL. Settings that the server does not know are skipped.
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
 * Applies our settings to a new session, if it is ours alone. Returns whether it is.
 *
 * @param processId The process id that the connection got at its start.
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

/** Begins a transaction on a session that may not be ours alone. Our settings hold until the end of the transaction. */
export async function beginOnSharedSession(run: Run, statementMs: number): Promise<void> {
  await run(sharedSessionBegin(statementMs))
}

/** The same as SQL text, for callers that run it by other means. */
export function sharedSessionBegin(statementMs: number): string {
  const wanted = [...settings(statementMs), ['idle_in_transaction_session_timeout', `'${LONGEST_PAUSE}'`] as const]
  return `begin isolation level read committed; select ${settingAll(wanted)(true)}`
}

/** Returns the rest of a `select` or `perform` that applies all of these settings. */
function settingAll(wanted: readonly (readonly [name: string, value: string])[]) {
  const values = wanted.map(([name, value]) => `('${name}', ${value})`).join(', ')
  return (local: boolean) =>
    `pg_catalog.set_config(wanted.name, wanted.value, ${local}) from (values ${values}) as wanted (name, value)
      where pg_catalog.current_setting(wanted.name, true) is not null`
}

/** Whether the last of several results is true. It was cast to text, so that no parser of booleans can change it. */
function isTrue(answers: unknown): boolean {
  const last: unknown = Array.isArray(answers) ? answers.at(-1) : answers
  const rows = typeof last === 'object' && last !== null && 'rows' in last ? last.rows : []
  return JSON.stringify(rows) === '[{"own":"true"}]'
}
