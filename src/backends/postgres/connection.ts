/** Our own connections to Postgres: each with timeouts, because a black-holed connection would otherwise hang for hours. */
import { Client, Pool, type ClientConfig } from 'pg'
import { PostbusError } from '../../errors.ts'
import { databaseOn } from './connections/database.ts'
import { askFor, clientOf, type Given } from './connections/given.ts'
import type { Limits } from './connections/lent-connection.ts'
import { ownClient } from './connections/own-client.ts'
import { OWN_TYPES } from './connections/parsers.ts'
import type { Database } from './connections/queryable.ts'
import { prepareOwnSession } from './connections/session.ts'

export type { Database, Queryable, Statement } from './connections/queryable.ts'

export interface ConnectionOptions extends Given, Limits {
  /** The largest number of connections in our own pool. */
  readonly poolSize: number
  /** Whether statements with a name are prepared. Default: on sessions that are ours alone. */
  readonly preparedStatements?: boolean | undefined
  /** Set for work that must not wait for the application's own work: a given pool then supplies only its options. */
  readonly apart?: boolean
  /** The application says that LISTEN works here, for example because its pooler keeps one session for each connection. */
  readonly canListen?: boolean
}

export interface Unconnected {
  readonly client: Client
  /** The application supplies the socket (`stream`), so the client does not open one. */
  readonly hasOwnStream: boolean
}

/** Connections are made when first used, so that a bus can be created before its database is known or up. */
export interface Connection {
  /** For short statements. */
  pool(): Promise<Database>
  /** A connection outside the pool. The caller ends it. */
  dedicated(): Promise<Client>
  /** A connection for LISTEN. The caller ends it. `null`: there is a pooler, and its other clients would get our notifications. */
  listener(): Promise<Client | null>
  /** Another pool, with the settings in `how`, for migrations and vacuum. The caller ends it. */
  separatePool(how: { readonly applicationName: string; readonly size: number; readonly statementMs: number }): Pool
  /** The options that a new connection would get now. If the password is a function, it has been called. */
  config(): Promise<ClientConfig>
  /** An unconnected client, which shows where a new connection would go now. If the password is a function, it has been called. */
  unconnected(): Promise<Unconnected>
  close(): Promise<void>
}

export function closedBus(): PostbusError {
  return new PostbusError('POSTBUS_CLOSED', 'This bus was closed. Create another one with createBus().')
}

/** The application's function gets this share of the connect timeout. So our error, which names the function, comes before pg's. */
const TIME_TO_ASK = 0.9

export function createConnection(options: ConnectionOptions): Connection {
  const ask = askFor(options)
  const { connectTimeoutMs, queryTimeoutMs } = options
  const own = new WeakSet<object>()
  let pool: Pool | undefined
  let database: Database | undefined
  let isClosed = false

  const common = (applicationName = 'postbus') => ({
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: OWN_TYPES,
  })
  const Base = clientOf(options) ?? Client
  const OwnClient = ownClient(ask, connectTimeoutMs * TIME_TO_ASK, Base)

  async function prepare(client: Client, statementMs = queryTimeoutMs): Promise<boolean> {
    const processId: unknown = Reflect.get(client, 'processID')
    const isOwn = await prepareOwnSession((text) => client.query(text), Number(processId), statementMs)
    if (isOwn) own.add(client)
    return isOwn
  }

  function openPool(config: object, statementMs?: number): Pool {
    const onConnect = (client: unknown) => prepare(client as Client, statementMs)
    // oxlint-disable-next-line typescript/no-misused-promises -- pg waits for the promise; its types do not say so
    const opened = new Pool({ ...common(), ...config, Client: OwnClient, onConnect })
    // An idle connection that breaks is replaced by the pool; without a listener the error would end the process. The pool
    // stops listening to a connection that it is closing, and that one can break too.
    opened.on('error', () => undefined)
    opened.on('connect', (client) => client.on('error', () => undefined))
    return opened
  }

  function openDatabase(): Database {
    const isOwn = (client: object) => own.has(client)
    if (options.pool && !options.apart) return databaseOn({ ...options, isOwn, pool: options.pool })
    pool = openPool({ max: options.poolSize })
    return databaseOn({ ...options, isOwn, pool })
  }

  async function connect(): Promise<{ client: Client; isOwn: boolean }> {
    const client = new OwnClient(common())
    client.on('error', () => undefined) // the 'end' event tells the owner
    await client.connect()
    try {
      return { client, isOwn: await prepare(client) }
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
  }

  return {
    async pool() {
      if (isClosed) throw closedBus()
      database ??= openDatabase()
      return database
    },
    dedicated: async () => (await connect()).client,
    async listener() {
      const { client, isOwn } = await connect()
      if (isOwn || options.canListen) return client
      await client.end().catch(() => undefined)
      return null
    },
    separatePool: ({ applicationName, size, statementMs }) =>
      openPool({ application_name: applicationName, max: size, query_timeout: 2 * statementMs }, statementMs),
    async config() {
      const config = await ask()
      const { password } = config
      return { ...common(), ...config, ...(typeof password === 'function' && { password: await password() }) }
    },
    async unconnected() {
      const asked = await ask()
      const client = new Base({ ...common(), ...asked })
      const password: unknown = client.password // pg takes a function too
      if (typeof password === 'function') client.password = String(await password())
      return { client, hasOwnStream: asked.stream !== undefined }
    },
    async close() {
      isClosed = true
      await pool?.end()
      pool = undefined
    },
  }
}
