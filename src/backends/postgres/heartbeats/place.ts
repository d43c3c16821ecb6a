/** Where the connection for heartbeats goes, as plain data that can be posted to a thread. */
import { Socket } from 'node:net'
import type { Unconnected } from '../connection.ts'

export interface Place {
  /** The path of a Unix socket; empty for a connection over the network. */
  readonly path: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string
  /** Options of node:tls; `null` for a connection without TLS. */
  readonly tls: Readonly<Record<string, unknown>> | null
  readonly isDirectTls: boolean
  /** Parameters for the server at the start of the connection, beside user and database. */
  readonly startup: Readonly<Record<string, string>>
}

/** The fields of a `pg` client that say where it would connect. */
interface Known {
  readonly host?: string
  readonly port: number
  readonly user?: string
  readonly database?: string
  readonly password?: unknown
  readonly ssl?: unknown
  readonly connection?: { readonly stream?: unknown }
  readonly connectionParameters?: {
    readonly options?: string
    readonly application_name?: string
    readonly sslnegotiation?: string
  }
}

/** @throws An error that says what cannot be posted to a thread. */
export function placeOf({ client, hasOwnStream }: Unconnected): Place {
  const known = client as unknown as Known
  if (hasOwnStream || !(known.connection?.stream instanceof Socket))
    throw new Error('its client connects in a way of its own')
  const { host = 'localhost', port, user = '', database = '', password, ssl, connectionParameters = {} } = known
  const { options, application_name: name, sslnegotiation } = connectionParameters
  return {
    path: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : '',
    host,
    port,
    user,
    database,
    password: typeof password === 'string' ? password : '',
    tls: ssl ? tlsOptions(ssl) : null,
    isDirectTls: sslnegotiation === 'direct',
    startup: { ...(name && { application_name: name }), ...(options && { options }) },
  }
}

/** Copies the key by its name: pg hides it from a copy of all options, so that nothing prints it. */
function tlsOptions(ssl: unknown): Readonly<Record<string, unknown>> {
  if (typeof ssl !== 'object' || ssl === null) return {}
  const key: unknown = Reflect.get(ssl, 'key')
  const options = { ...ssl, ...(key !== undefined && { key }) }
  try {
    structuredClone(options)
  } catch {
    throw new Error('its TLS options hold something that only the main thread can use, such as a function')
  }
  return options
}
