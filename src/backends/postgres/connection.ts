/** Our own connections to Postgres: each with timeouts, because a black-holed connection would otherwise hang for ever. */
import { PostbusError } from '../../errors.ts'
import { Client, Pool, type ClientConfig, type QueryResultRow } from 'pg'
import { COMMITS_WAIT } from './deliveries/durability.ts'

/** The one thing most statements need: something that runs SQL. A pool, a client, or a caller's transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>
}

export interface ConnectionOptions {
  /** A connection string, or a function that finds it when the first connection is made. */
  readonly connectionString: string | (() => string | Promise<string>)
  readonly poolSize: number
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
}

/** Connections are made when first used, so that a bus can be created before its database is known or up. */
export interface Connection {
  /** The pool for short statements. */
  pool(): Promise<Pool>
  /** A connection of its own, for LISTEN. The caller ends it. */
  dedicated(): Promise<Client>
  connectionString(): Promise<string>
  close(): Promise<void>
}

export function createConnection(options: ConnectionOptions): Connection {
  let pool: Promise<Pool> | undefined
  let closed = false

  async function config(): Promise<ClientConfig> {
    return {
      connectionString: await connectionString(),
      application_name: 'postbus',
      connectionTimeoutMillis: options.connectTimeoutMs,
      query_timeout: options.queryTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    }
  }

  async function connectionString(): Promise<string> {
    const given = options.connectionString
    return typeof given === 'function' ? await given() : given
  }

  async function open(): Promise<Pool> {
    // oxlint-disable-next-line typescript/no-misused-promises -- pg waits for the promise; its types do not say so
    const opened = new Pool({ ...(await config()), max: options.poolSize, onConnect: prepareSession })
    // An idle connection that breaks is replaced by the pool; without a listener the error would end the process. The pool
    // stops listening to a connection that it is closing, and that one can break too.
    opened.on('error', () => undefined)
    opened.on('connect', (client) => client.on('error', () => undefined))
    return opened
  }

  return {
    connectionString,
    async pool() {
      if (closed) throw new PostbusError('POSTBUS_CLOSED', 'This bus was closed. Create another one with createBus().')
      pool ??= open().catch((error: unknown) => {
        pool = undefined
        throw error
      })
      return pool
    },
    async dedicated() {
      const client = new Client(await config())
      client.on('error', () => undefined) // the 'end' event tells the owner
      await client.connect()
      return client
    },
    async close() {
      closed = true
      const opened = await pool?.catch(() => undefined)
      pool = undefined
      await opened?.end()
    },
  }
}

/**
 * What our statements need of their session, whatever a database has by default:
 *
 * - Claims and settles look again, in a later statement, at what has changed since they began. Under a stricter isolation
 *   level they would not see it.
 * - A transaction is open until its answer is sent, and a claim holds up all others of its queue until then. A process that
 *   was frozen while it read loses its connection, and with it the claim.
 * - A claim that waits for its turn takes nothing any more when its worker has given up on it: nobody would run that.
 * - What we answer to have committed must survive a crash of the server: see `durability.ts`.
 */
export async function prepareSession(client: Queryable): Promise<void> {
  await client.query(`
    do $$ begin
      if current_setting('default_transaction_isolation') <> 'read committed' then
        set default_transaction_isolation = 'read committed';
      end if;${COMMITS_WAIT}
      set tcp_user_timeout = '5s';
      begin
        set client_connection_check_interval = '1s';
      exception when invalid_parameter_value then null; -- a server on a system that cannot look
      end;
    end $$`)
}

/** Runs `work` in a transaction of its own. */
export async function inTransaction<Result>(
  pool: Pool,
  work: (database: Queryable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((reason: Error) => (broken = reason))
    throw error
  } finally {
    client.release(broken)
  }
}
