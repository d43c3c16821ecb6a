/** The durable backend: events, deliveries and dead letters in Postgres. This file only connects the parts. */
import { ModesChanged, type Backend } from '../../publishing/backend.ts'
import type { DeliveryStore } from '../../deliveries/delivery-store.ts'
import { PostbusError } from '../../errors.ts'
import type { Emit } from '../../signals.ts'
import { claimFrom, type Claim, type Shadows } from './deliveries/claim.ts'
import { keepClaims, recoverClaims } from './deliveries/claims.ts'
import { completionsIn } from './deliveries/own-commits.ts'
import type { Connection, Queryable } from './connection.ts'
import type { Listening } from './connections/listen-until-lost.ts'
import { explainDatabaseError } from '../../transactions/database-error.ts'
import { sendBroadcasts } from './broadcast/send.ts'
import { KnownModes } from './deliveries/delivery-modes.ts'
import { publishEvents } from './deliveries/publish.ts'
import { dueQueues } from './deliveries/due.ts'
import { countMinute } from './deliveries/handler-minutes.ts'
import { storedPayload } from './deliveries/stored-payload.ts'
import { checkQueues } from './queues/queues.ts'
import { endedDeliveries, sweepFinished } from './record/finished.ts'
import { supersede } from './deliveries/supersede.ts'
import { paceIn } from './deliveries/pace.ts'
import { pruneEvents } from './deliveries/retention.ts'
import { checkSchema } from './schema/schema-check.ts'
import { SharedHeartbeats } from './heartbeats/heartbeats.ts'
import { settleDeliveries } from './deliveries/settle.ts'
import { LogIndex } from './record/log-index.ts'
import type { Tables } from './schema/tables.ts'
import { openTransaction, type SqlExecutor } from '../../transactions/open-transaction.ts'
import { listenForWakeUps } from './deliveries/wake-up.ts'
import { createLogStore } from './log/log-store.ts'
import { relayStore } from './log/relay-store.ts'
import { Backfills, ungate } from './record/backfill.ts'
import { Vacuum, VacuumConnection } from './deliveries/vacuum.ts'
import { announceWorker, removeWorker } from './deliveries/workers.ts'

export interface PostgresBackend extends Backend {
  readonly store: DeliveryStore
  /** For the testing kit, which moves the database's clock and can work inside a transaction. */
  readonly connection: Connection
  readonly tables: Tables
}

export interface Connections {
  readonly connection: Connection
  /** Separate connections for the statements that keep claims alive, so that no publish delays them. */
  readonly lifeline: Connection
  /** Where workers LISTEN. `null`: nowhere, they only poll. Default: `connection`. */
  readonly listening?: Listening | null
  readonly heartbeats?: SharedHeartbeats
  readonly vacuuming?: VacuumConnection
}

/** The part of a connection that deliveries need. A test may pass one transaction of its own instead of a pool. */
export interface DeliveryConnection extends Pick<Connection, 'listener' | 'separatePool'> {
  pool(): Promise<Queryable>
}

interface DeliveryConnections {
  readonly connection: DeliveryConnection
  readonly lifeline: DeliveryConnection
  readonly listening?: Listening | null
  readonly vacuuming?: VacuumConnection
}

/** Everything that a backend can do except `hear`, which needs the listeners of a bus. */
export function createPostgresBackend(
  connections: Connections,
  tables: Tables,
  emit: Emit,
): Omit<PostgresBackend, 'hear'> {
  const { connection, lifeline, heartbeats = new SharedHeartbeats(lifeline) } = connections
  const modes = new KnownModes()
  return {
    modes,
    async publish(events, tx) {
      const executor = tx === undefined ? await ownConnection(connection) : openTransaction(tx)
      try {
        return await publishEvents(executor, tables, events, { inTransaction: tx !== undefined, modes })
      } catch (error) {
        throw error instanceof ModesChanged ? error : explainDatabaseError(error, tables.names.postbus)
      }
    },
    async broadcast(events, tx) {
      const executor = tx === undefined ? await ownConnection(connection, 'broadcast') : openTransaction(tx)
      try {
        await sendBroadcasts(executor, tables, events)
      } catch (error) {
        throw explainDatabaseError(error, tables.names.postbus)
      }
    },
    async check() {
      await checkSchema(await connection.pool(), tables, emit)
    },
    async close() {
      await Promise.all([connection.close(), lifeline.close()])
    },
    store: {
      ...createDeliveryStore(connections, tables, emit),
      heartbeats: (queues, onUnavailable) => heartbeats.startFor({ tables, queues, onUnavailable }),
    },
    connection,
    tables,
  }
}

/** Without the caller's transaction, the publishing statement is a transaction of its own. */
async function ownConnection(connection: Connection, name = 'publish'): Promise<SqlExecutor> {
  const database = await connection.pool()
  return {
    executeSql: (text, values) => database.query({ name, text, values: [...values] }),
    settings: 'something between Postbus and pg',
  }
}

export function createDeliveryStore(
  { connection, lifeline, listening = connection, vacuuming = new VacuumConnection(connection) }: DeliveryConnections,
  tables: Tables,
  emit: Emit,
): DeliveryStore {
  const prepared = new Map<string, Claim>()
  let shadows: Shadows = null
  let transactional: ReadonlySet<string> = new Set()
  const vacuum = new Vacuum({ connection, vacuuming, tables })
  const backfills = new Backfills(tables)
  const logIndex = new LogIndex(tables)
  const log = createLogStore({ connection, lifeline }, tables)

  /** The claim function of a queue that `prepare` has checked. */
  function claimOf(queue: string): Claim {
    const claim = prepared.get(queue)
    if (claim) return claim
    throw new PostbusError('POSTBUS_QUEUE_MISSING', `Queue "${queue}" was not prepared for this worker.`)
  }

  return {
    async prepare(queues, shadowHandlers = [], transactionalHandlers = []) {
      transactional = new Set(transactionalHandlers)
      shadows = shadowHandlers.length > 0 ? shadowHandlers : null
      const database = await connection.pool()
      await checkSchema(database, tables, emit)
      for (const { name } of await checkQueues(database, tables, queues)) {
        prepared.set(name, claimFrom(name, tables, shadows))
      }
    },
    claim: async (queue, limit, bounds) => claimOf(queue)(await connection.pool(), limit, bounds),
    settle: async (queue, settlements) =>
      settleDeliveries(await connection.pool(), tables, { queue, settlements, shadows, transactional }),
    payloadOf: async (event) => storedPayload(await connection.pool(), tables, event),
    supersede: async (delivery) => supersede(await connection.pool(), tables, delivery),
    deliveriesOf: async ({ seq }) => endedDeliveries(await connection.pool(), tables, seq),
    async finish() {
      const database = await connection.pool()
      for (let after: string | null = '0'; after !== null;) after = await sweepFinished(database, tables, after)
    },
    keep: async (queue, claims) => keepClaims(await lifeline.pool(), tables, queue, claims),
    due: async (queues) => dueQueues(await connection.pool(), tables, queues),
    recover: async (looking) => recoverClaims(await lifeline.pool(), tables, looking),
    prune: async (how) => pruneEvents(await lifeline.pool(), tables, how),
    index: async () => logIndex.move(await connection.pool()), // not on `lifeline`: heartbeats must not wait for it
    count: async (counts) => countMinute(await connection.pool(), tables, counts),
    vacuum: () => vacuum.run(),
    backfill: async (backfilling) => backfills.step(await connection.pool(), backfilling),
    pace: paceIn(connection, tables),
    completions: completionsIn(() => lifeline.pool(), tables),
    log,
    relays: relayStore({ connection, lifeline }, tables, log),
    ungate: async (handler) => ungate(await connection.pool(), tables, handler),
    listen: (onWake) => listenForWakeUps(listening, tables, emit, onWake),
    announce: async (worker) => announceWorker(await lifeline.pool(), tables, worker),
    async leave(workerId) {
      await vacuum.close()
      await removeWorker(await lifeline.pool(), tables, workerId)
    },
  }
}
