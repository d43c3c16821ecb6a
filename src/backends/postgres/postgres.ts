/** Everything the bus does with Postgres, put together from a bus's options. */
import type { DeadLetters } from '../../deliveries/dead-letters.ts'
import type { Cancelling } from '../../deliveries/cancelling.ts'
import type { Deliveries } from '../../deliveries/completions.ts'
import type { EventTransfer } from '../../deliveries/exported-events.ts'
import type { Acts } from '../../deliveries/act-log.ts'
import type { Lanes } from '../../deliveries/lanes.ts'
import type { Log } from '../../deliveries/log-cursors.ts'
import type { Pauses } from '../../deliveries/pauses.ts'
import type { Schedule } from '../../schedules/schedule.ts'
import type { ScheduleStore, SchedulesParts } from '../../deliveries/schedules.ts'
import type { Backlog } from '../../deliveries/backlog.ts'
import type { Workers } from '../../deliveries/workers.ts'
import type { PublishableTypes } from '../../deliveries/publishable-types.ts'
import type { Rates } from '../../deliveries/rates.ts'
import type { EventActs } from '../../record/event-acts.ts'
import type { EventRecord } from '../../record/events.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import type { BroadcastListeners } from '../../broadcast/broadcast-listeners.ts'
import {
  doctorOptions,
  pruneOptions,
  type DoctorFinding,
  type DoctorOptions,
  type MigrateOptions,
  type MigrateReport,
  type PruneOptions,
  type PruneReport,
} from '../../deliveries/operations.ts'
import { parseOptions } from '../../parse-options.ts'
import { callingWithin, type CallingParts } from '../calling-within.ts'
import type { Connection } from './connection.ts'
import { connectionsTo, type DatabaseConnections, type DatabaseSettings } from './connections/database-connections.ts'
import { Hearing } from './broadcast/hearing.ts'
import { countPrunable, pruneNow } from './deliveries/retention.ts'
import { publishingFirstNames, withPresentNames } from './deliveries/names.ts'
import { backlogIn } from './operating/backlog.ts'
import { workersIn } from './operating/workers.ts'
import { cancelIn } from './operating/cancelling.ts'
import { deliveriesIn } from './operating/completions.ts'
import { examine } from './operating/doctor.ts'
import { logIn } from './operating/log-cursors.ts'
import { pausesIn } from './operating/pauses.ts'
import { ratesIn } from './operating/rates.ts'
import { withReachableDatabase } from './operating/reachable.ts'
import { actsIn, deadLettersIn, lanesIn } from './operating/operators.ts'
import { migrate } from './schema/migrate.ts'
import { examineSchedules } from './operating/schedules-check.ts'
import { schedulesIn } from './operating/schedules.ts'
import { createScheduleStore } from './schedules/schedule-store.ts'
import { eventActsIn } from './record/event-acts.ts'
import { eventsIn } from './record/event-record.ts'
import { beginReading } from './log/subscriptions.ts'
import { publishableTypesIn } from './registry/publishable-types.ts'
import { isOutdated, register } from './registry/register.ts'
import { registeredOf } from './registry/registered.ts'
import { createPostgresBackend, type PostgresBackend } from './postgres-backend.ts'
import { replaysIn, type ReplaysIn } from './record/replays.ts'
import { transferIn } from './record/transfer.ts'
import { tablesIn } from './schema/tables.ts'

export interface PostgresSettings extends DatabaseSettings {
  readonly schema: string
  readonly pgbossSchema: string
  readonly retentionMs: number | null
  /** The service whose registry for SQL publishers this is. `ttlMs` and `maxPayloadBytes` are stored there with each event type. */
  readonly service: string
  readonly ttlMs?: number | undefined
  readonly maxPayloadBytes: number
}

export interface Postgres {
  readonly backend: PostgresBackend
  readonly deadLetters: DeadLetters
  readonly lanes: Lanes
  readonly replays: ReplaysIn
  readonly acts: Acts
  readonly pauses: Pauses
  readonly rates: Rates['rates']
  readonly backlog: Backlog['backlog']
  readonly workers: Workers['workers']
  /** Resolves when the database has answered on the connections that keep claims alive. */
  ping(): Promise<unknown>
  readonly cancel: Cancelling['cancel']
  readonly deliveries: Deliveries
  readonly schedules: { readonly store: ScheduleStore } & Pick<SchedulesParts, 'stored' | 'note'>
  readonly log: Log
  readonly events: EventRecord & EventTransfer & EventActs
  /** `readers`: by default all handlers. New ones that read the log get events published from then on. Also registers what SQL may publish. */
  migrate(options?: MigrateOptions, readers?: readonly AnyHandler[]): Promise<MigrateReport>
  readonly publishableTypes: PublishableTypes['publishableTypes']
  doctor(options?: DoctorOptions): Promise<readonly DoctorFinding[]>
  prune(options?: PruneOptions): Promise<PruneReport>
  /** Its connections, for the bus of another schema in the same database. */
  lend(): DatabaseConnections
}

/** The parts of the bus that do not depend on its database. */
export interface Known extends CallingParts {
  readonly listeners: BroadcastListeners
  readonly schedules: readonly Schedule[]
}

/** `connections`: lent by another bus. Default: connections of its own. */
export function createPostgres(
  settings: PostgresSettings,
  known: Known,
  connections: DatabaseConnections = connectionsTo(settings),
): Postgres {
  const { emit, codec, registry, listeners, schedules } = known
  const tables = tablesIn({ postbus: settings.schema, pgboss: settings.pgbossSchema })
  const { connection, lifeline, listening, hearing: listens } = connections
  const { close, ...events } = eventsIn({ connection, listening: listens, tables, codec, emit, registry })
  const scheduleStore = createScheduleStore(connection, tables)
  const backend = createPostgresBackend({ ...connections, listening: listens }, tables, emit)
  const hearing = new Hearing({ connection, listening: listens, tables, emit, registry, listeners })
  return {
    backend: {
      ...backend,
      ...callingWithin(publishingFirstNames(backend, registry), known),
      store: withPresentNames(backend.store, registry),
      hear: () => hearing.begin(),
      async close() {
        await hearing.close()
        await close() // it still needs the connections that are closed next
        await backend.close()
      },
    },
    events: {
      ...events,
      ...transferIn({ connection, tables, registry, retentionMs: settings.retentionMs }),
      ...eventActsIn({ connection, tables, registry }),
    },
    replays: replaysIn({ connection, tables, codec, registry }),
    deadLetters: deadLettersIn({ connection, tables, registry }),
    lanes: lanesIn({ connection, tables, registry }),
    acts: actsIn({ connection, tables, registry }),
    pauses: pausesIn({ connection, tables, registry }),
    rates: ratesIn({ connection, tables, registry }),
    backlog: backlogIn({ connection, tables, registry }),
    workers: workersIn({ connection, tables, registry }),
    lend: () => connections.lend(),
    ping: async () => (await lifeline.pool()).query('select'),
    cancel: cancelIn({ connection, tables, registry }),
    deliveries: deliveriesIn({ connection, tables }),
    schedules: { store: scheduleStore, ...schedulesIn({ connection, tables }, scheduleStore) },
    log: logIn({ connection, tables, registry }),
    publishableTypes: publishableTypesIn({ connection, tables, registry }),
    migrate: (options = {}, readers) =>
      withReachableDatabase(async () => {
        const loaded = await registry.load()
        const steps = await migrate(connection, tables, loaded.queues, options)
        const database = await connection.pool()
        const what = { service: settings.service, registered: registeredOf(loaded, settings) }
        const mayChange = !(await isOutdated(database, tables, what, options))
        const begun = await beginReading(database, tables, readers ?? loaded.handlers, { ...options, mayChange })
        const { step, kept } = await register(database, tables, what, options)
        if (kept !== null) emit('warn', 'registry.kept', kept, { service: settings.service })
        const report = { steps: [...steps, ...begun, ...(step === null ? [] : [step])], registryKept: kept }
        if (report.steps.length > 0 && !options.dryRun) await comesToDisk(connection)
        return report
      }),
    async doctor(how = {}) {
      const { retentionMs, service } = settings
      const loaded = await registry.load()
      const parts = { connection, listening, tables, retentionMs, service, registered: registeredOf(loaded, settings) }
      const findings = await examine(parts, loaded, parseOptions('doctor()', doctorOptions, how))
      if (findings.some(({ status }) => status === 'problem')) return findings
      return [...findings, ...(await examineSchedules(scheduleStore, schedules))]
    },
    async prune(how = {}) {
      const { dryRun } = parseOptions('prune()', pruneOptions, how)
      const { retentionMs } = settings
      return withReachableDatabase(async () => {
        const database = await connection.pool()
        if (dryRun) return { events: await countPrunable(database, tables, retentionMs) }
        return { events: await pruneNow(database, tables, retentionMs) }
      })
    },
  }
}

/**
 * Returns when everything that was committed so far is on the disk. Through a pooler, migrations commit with the database's default
 * `synchronous_commit`. A commit that waits for the disk also brings all earlier commits there.
 */
async function comesToDisk(connection: Connection): Promise<void> {
  await (await connection.pool()).query(`select pg_catalog.pg_logical_emit_message(true, 'postbus', 'migrated')`)
}
