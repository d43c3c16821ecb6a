/**
 * All connections of this process to one database. The bus that made them lends them to the buses of other schemas in that database: fifty
 * buses take no more connections than two.
 *
 *   statements (a pool) · heartbeats, on a second pool and from a thread · LISTEN · vacuum, while there is something to do
 */
import { VacuumConnection } from '../deliveries/vacuum.ts'
import { SharedHeartbeats } from '../heartbeats/heartbeats.ts'
import { closedBus, createConnection, type Connection, type ConnectionOptions } from '../connection.ts'
import type { Given } from './given.ts'
import type { Listening } from './listen-until-lost.ts'
import { SharedListener } from './shared-listener.ts'

export interface DatabaseConnections {
  readonly connection: Connection
  /** Separate connections for the statements that keep claims alive, so that no publish delays them. */
  readonly lifeline: Connection
  /** Makes connections for LISTEN. `null`: nothing listens. */
  readonly listening: Connection | null
  /** Where workers and others LISTEN, perhaps on a shared connection. `null`: nowhere. */
  readonly hearing: Listening | null
  readonly heartbeats: SharedHeartbeats
  readonly vacuuming: VacuumConnection
  /** The same connections for another bus. If that bus closes them, they are closed for that bus only. */
  lend(): DatabaseConnections
}

export interface DatabaseSettings extends ConnectionOptions {
  /** Where workers LISTEN. `false`: nowhere. Default: in the same place as everything else. */
  readonly listen?: false | Given | undefined
}

/**
 * Heartbeats have connections of their own. Behind publishes that wait for a lock, or on a single connection that went silent,
 * they would come too late, and the claims of a living worker would be taken over.
 */
const LIFELINE = { poolSize: 2, connectTimeoutMs: 3_000, queryTimeoutMs: 3_000, apart: true }

export function connectionsTo(settings: DatabaseSettings): DatabaseConnections {
  const connection = createConnection(settings)
  const lifeline = createConnection({ ...settings, ...LIFELINE })
  const listening = listeningConnection(settings, connection)
  const shared = {
    listening,
    hearing: listening && new SharedListener(listening),
    heartbeats: new SharedHeartbeats(lifeline),
    vacuuming: new VacuumConnection(connection),
  }
  const lend = (): DatabaseConnections => ({
    ...shared,
    connection: lent(connection),
    lifeline: lent(lifeline),
    lend,
  })
  // A single bus listens on separate connections, which are made and lost one by one.
  return { ...shared, connection, lifeline, hearing: listening, lend }
}

function listeningConnection(settings: DatabaseSettings, connection: Connection): Connection | null {
  const { listen } = settings
  if (listen === undefined) return connection
  if (listen === false) return null
  const { connectionString, connection: pgOptions } = listen
  return createConnection({ ...settings, connectionString, connection: pgOptions, pool: undefined, canListen: true })
}

function lent(connection: Connection): Connection {
  let isClosed = false
  return {
    ...connection,
    async pool() {
      if (isClosed) throw closedBus()
      return connection.pool()
    },
    async close() {
      isClosed = true
    },
  }
}
