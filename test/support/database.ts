/** A database of its own for a test, so that tests can run at the same time and do not affect each other. */
import { randomBytes } from 'node:crypto'
import { DatabaseError, escapeIdentifier, Pool } from 'pg'
import { inject } from 'vitest'

export type TestDatabase = {
  readonly connectionString: string
  readonly name: string
  /** Ends the connections that are still open, and deletes the database. */
  drop(): Promise<void>
}

/** `template` is a database to copy, such as a migrated one. No client may be connected to it meanwhile. */
export async function createDatabase(options: { template?: string } = {}): Promise<TestDatabase> {
  const name = `postbus_test_${randomBytes(8).toString('hex')}`
  const template = options.template === undefined ? '' : `template ${escapeIdentifier(options.template)}`
  await onServer(`create database ${name} ${template} ${inject('copying')}`)

  const url = new URL(inject('serverUrl'))
  url.pathname = `/${name}`
  return {
    connectionString: url.href,
    name,
    async drop() {
      await left(name)
      await onServer(`drop database if exists ${name} with (force)`)
    },
  }
}

/**
 * Waits until connections that were ended a moment ago are gone, or a second has passed. `pool.end()` does not wait for
 * that, and if a closing client gets an error from the drop, no code is left to handle the error.
 */
async function left(name: string): Promise<void> {
  await onServer(`do $$ begin
    for turn in 1..100 loop
      exit when not exists (select from pg_stat_activity where datname = '${name}');
      perform pg_sleep(0.01);
      perform pg_stat_clear_snapshot();
    end loop;
  end $$`)
}

/** Opening a connection takes as long as creating a small database, so a file's tests share a few. They end with the process. */
let administration: Pool | undefined

async function onServer(statement: string): Promise<void> {
  administration ??= administrationOf(inject('serverUrl'))
  try {
    await administration.query(statement)
  } catch (error) {
    throw isForbidden(error) ? new Error(howToAllow(administration.options.user), { cause: error }) : error
  }
}

function administrationOf(connectionString: string): Pool {
  const pool = new Pool({ connectionString, connectionTimeoutMillis: 10_000, max: 2, allowExitOnIdle: true })
  pool.on('error', () => undefined) // the pool replaces a lost connection
  return pool
}

function isForbidden(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '42501'
}

function howToAllow(user = 'user'): string {
  return (
    `Each test makes a database of its own, but the user "${user}" of DATABASE_URL may not create databases. ` +
    `Run: alter user ${escapeIdentifier(user)} createdb; or unset DATABASE_URL to test on a Postgres of our own.`
  )
}
