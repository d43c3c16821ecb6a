/** How an application can say where its database is: by a connection string, by pg's own options, or by a pool that it has. */
import type { Client, ClientConfig } from 'pg'
import { PostbusError } from '../../../errors.ts'

/** A pool of the `pg` package. Only the members used are declared, because its types may come from another release of `@types/pg`. */
export interface PgPool {
  connect(): Promise<object>
  readonly options: object
  readonly totalCount: number
}

/** The options of a connection, with the names that the `pg` package uses. */
export interface PgConnection {
  readonly connectionString?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly database?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | (() => string | Promise<string>) | undefined
  readonly ssl?: boolean | object | undefined
  readonly sslnegotiation?: 'postgres' | 'direct' | undefined
  readonly enableChannelBinding?: boolean | undefined
  readonly options?: string | undefined
  readonly application_name?: string | undefined
  readonly stream?: (() => object) | undefined
}

/** Where the database is. At most one of these is set. */
export interface Given {
  readonly connectionString?: string | (() => string | Promise<string>) | undefined
  readonly connection?: PgConnection | undefined
  readonly pool?: PgPool | undefined
}

/** pg's `Client` class, or a subclass of it. */
export type ClientClass = new (config?: ClientConfig) => Client

/** Returns where a new connection goes. Called for each connection, because a password may have changed meanwhile. */
export type Ask = () => Promise<ClientConfig>

export function askFor({ connectionString, connection, pool }: Given): Ask {
  if (typeof connectionString === 'function')
    return async () => ({ connectionString: textFrom(await connectionString()) })
  if (connectionString !== undefined) return async () => ({ connectionString })
  if (connection) return async () => definedOnly(connection)
  if (pool) return async () => optionsOf(pool)
  return noConnection
}

/** The client class of the pool: it may reach the database by other means than a socket. */
export function clientOf({ pool }: Given): ClientClass | undefined {
  return pool && (Reflect.get(pool, 'Client') as ClientClass | undefined)
}

const NAMES = [
  'connectionString',
  'host',
  'port',
  'database',
  'user',
  'password', // pg hides it when the options are printed
  'ssl',
  'sslnegotiation',
  'enableChannelBinding',
  'options',
  'application_name',
  'stream',
] as const satisfies readonly (keyof PgConnection)[]

/** The options of a pool that say where the database is. Its limits are left out: they are for the application's own work. */
function optionsOf({ options }: PgPool): ClientConfig {
  return definedOnly(Object.fromEntries(NAMES.map((name) => [name, Reflect.get(options, name)])))
}

function definedOnly(connection: PgConnection): ClientConfig {
  return Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== undefined))
}

function textFrom(answer: unknown): string {
  if (typeof answer === 'string' && answer !== '') return answer
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `createBus(): the function given as \`connectionString\` returned ${answer === '' ? 'an empty text' : typeof answer}; expected postgres://user:password@host:port/database.`,
  )
}

async function noConnection(): Promise<never> {
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    'This bus has no `connectionString`, `connection` or `pool`, so it can only publish inside a transaction: pass `tx`, or give createBus() one of them.',
  )
}
