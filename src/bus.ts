/** The bus: what an application creates once, publishes with, and makes workers from. */
import { assemble, type Origin } from './assemble-bus.ts'
import { backendFor, withParts, type BusParts } from './publishing/backend-override.ts'
import { broadcaster } from './broadcast/broadcaster.ts'
import type { Broadcasts } from './broadcast/broadcasts.ts'
import { createCodec } from './codec/codec.ts'
import type { EventActs } from './record/event-acts.ts'
import type { EventRecord } from './record/events.ts'
import type { Envelope } from './events/envelope.ts'
import { listenersOf, type Listeners } from './deliveries/listeners.ts'
import type { EventTransfer } from './deliveries/exported-events.ts'
import { schedulesOf } from './deliveries/schedules.ts'
import type { Operators } from './deliveries/operators.ts'
import type { BeginReplay } from './deliveries/replays.ts'
import type { DoctorOptions, MigrateOptions, MigrateReport, PruneOptions } from './deliveries/operations.ts'
import {
  busOptions,
  drainOptions,
  workerOptions,
  type BusOptions,
  type DrainOptions,
  type WorkerOptions,
} from './options.ts'
import { parseOptions } from './parse-options.ts'
import { closeHandlers } from './handlers/close-handlers.ts'
import { lazyRegistry } from './handlers/lazy-registry.ts'
import type { PublishOptions, PublishResult } from './events/publish-result.ts'
import { receiver, type Receiver } from './publishing/receiver.ts'
import { resultPublisher, type ResultPublisher } from './publishing/result-publisher.ts'
import { withContext, type PublishContext } from './publishing/trace.ts'
import type { SlotsOfTenants } from './worker/shared-slots.ts'
import { settingsThere, type DatabaseOptions } from './tenants/database-options.ts'
import { Family } from './tenants/family.ts'
import { checkDatabaseName, namesOfTenant } from './tenants/tenant-names.ts'
import { tenantsOf, type Tenants } from './tenants/tenants.ts'
import { drainWithin, type DrainReport } from './worker/drain-within.ts'
import { schedulesIn } from './schedules/schedule.ts'
import { makeWorker, schedulingOf } from './worker/bus-worker.ts'
import type { Worker } from './worker/worker.ts'

export interface Bus extends ResultPublisher, Receiver, Broadcasts, Listeners, Operators {
  /**
   * Publishes one event, or a list of events in order: stores each event once, and writes one delivery for each
   * interested handler. With `tx`, all of this is part of the caller's transaction. It takes one round trip either way.
   *
   * The handlers' `interested` functions run before `publish` returns its promise (if handlers are imported lazily: as
   * soon as they are imported). `publish([])` resolves and writes nothing. Everything that can be refused is refused
   * before any SQL.
   *
   * @example
   * await db.transaction().execute(async (trx) => {
   *   await trx.insertInto('orders').values({ id }).execute()
   *   await bus.publish(OrderCreated({ orderId: id, total: 42 }), { tx: trx })
   * })
   *
   * @throws {PostbusError} `POSTBUS_NOT_A_TRANSACTION`, `POSTBUS_TRANSACTION_FINISHED`, `POSTBUS_TRANSACTION_ABORTED`,
   * `POSTBUS_UNSERIALIZABLE`, `POSTBUS_TOO_LARGE`, `POSTBUS_INVALID_EVENT`, `POSTBUS_INTERESTED_FAILED`,
   * `POSTBUS_SCHEMA_MISSING`, `POSTBUS_SCHEMA_OUTDATED`, `POSTBUS_QUEUE_MISSING`.
   */
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /**
   * Runs `work` and returns its result. Events that `work` publishes, also later in a promise or timer that it started,
   * carry this context, unless an event has values of its own. Use it around a request, a job or an import. Contexts can be
   * nested: the inner one wins, and metadata is merged. A handler already runs in a context, which ends with the attempt:
   * the handled event becomes the cause, and its correlation id is carried on.
   *
   * @example
   * app.use((request, response, next) => bus.withContext({ correlationId: request.id, source: 'api' }, next))
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the context holds a value that an event cannot have.
   */
  withContext<Result>(context: PublishContext, work: () => Result): Result
  /**
   * Makes a worker, which runs handlers in this process. It does nothing until `start()` or `drain()`.
   *
   * @example
   * const worker = bus.worker({ queues: { events: 10, events_partitioned: 10 } })
   * await worker.start()
   * process.once('SIGTERM', () => void worker.stop())
   */
  worker(options?: WorkerOptions): Worker
  /**
   * Runs deliveries until nothing is due any more, or the time is up, and returns what was done. For a serverless function or a
   * script, where no worker keeps running. Deliveries for a later time stay, and so do deliveries that another process is working on.
   *
   * @example const { done, isTimeUp } = await bus.drain({ timeLimitMs: 20_000 })
   * @throws {PostbusError} what `worker.start()` throws.
   */
  drain(options?: DrainOptions): Promise<DrainReport>
  /** The name of this bus among the buses of one application: see `forSchema` and `forDatabase`. */
  readonly name: string
  /** The schema in which events are stored. */
  readonly schema: string
  /**
   * Returns the bus of another schema in the same database: for an application with a schema for each tenant. That bus has the same handlers
   * and options, uses the same connections, and is closed with this one. The same name returns the same bus. The tables of pg-boss are in a
   * second schema, such as `tenant_a_pgboss`.
   *
   * @example await bus.forSchema(tenant.schema).publish(OrderCreated({ orderId }), { tx })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for a name that no schema can have; `POSTBUS_CLOSED`.
   */
  forSchema(name: string): Bus
  /**
   * Returns the bus of another database. It has the same handlers and options, except the options that belong to a database: it has no
   * `transaction` and no `currentTransaction` unless you pass them. That bus has its own connections, and is closed with this one. The same
   * name returns the same bus, with the options of the first call.
   *
   * @example const shard = bus.forDatabase('shard-1', { connectionString: shards[1] })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`; `POSTBUS_CLOSED`.
   */
  forDatabase(name: string, options: DatabaseOptions): Bus
  /** All tenants at once, if the option `tenants` lists them: one worker for all of them, and their migrations. */
  readonly tenants: Tenants<Bus>
  /** Loads the handlers and checks the database's schema. Call it at application start, so that problems show early. */
  ready(): Promise<void>
  /**
   * Installs or updates the schema and the queues, and registers the event types and handlers for SQL publishers. It can be repeated safely,
   * and can run in several processes at once.
   */
  migrate(options?: MigrateOptions): Promise<MigrateReport>
  /** Looks up events and what became of them, waits for their end, and exports, imports, redacts or deletes them. */
  readonly events: EventRecord & EventTransfer & EventActs
  /** Closes the bus's connections, and the connections of its relays. First stop the workers by their own `stop()`. */
  close(): Promise<void>
  /** The same as `close()`: `await using bus = createBus(…)` closes it at the end of its block. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Creates a bus. It does not connect until something needs the database, and imports lazy handlers at first use. An application
 * creates one bus, in a file that the command line can import too.
 *
 * @example
 * export const bus = createBus({ connectionString, handlers: () => import('./event-handlers.ts') })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, listing every problem.
 */
export function createBus(options: BusOptions): Bus {
  const settings = parseOptions('createBus()', busOptions, options)
  const codec = createCodec({ codecs: settings.codecs, maxBytes: settings.maxPayloadBytes })
  const registry = lazyRegistry(settings.handlers, settings.events)
  return makeBus(
    { settings, codec, registry, name: settings.schema, parent: null },
    { family: new Family(), prefix: '', first: null, home: null },
  )
}

/** How a bus relates to the other buses of one application. */
interface Relatives {
  readonly family: Family<Bus>
  /** The prefix of bus names on this database: the name of the database and a slash, or nothing. */
  readonly prefix: string
  /** The bus that `createBus` made; `null`: this is that bus. */
  readonly first: Bus | null
  /** The first bus on this database, whose connections this one uses; `null`: this is that bus. */
  readonly home: Bus | null
}

function makeBus(origin: Origin, relatives: Relatives): Bus {
  const { settings, name } = origin
  const { family, prefix, first, home } = relatives
  const schedules = schedulesIn(settings.schedules)
  const publishAsSeen: BusParts['publish'] = (events, how) => bus.publish(events, how)
  const { parts, place, publish, listeners } = assemble(origin, { publishAsSeen, schedules })

  const about = parts.middleware.bus
  const workerOf = (given: WorkerOptions, slots?: SlotsOfTenants) =>
    makeWorker({ ...parseOptions('bus.worker()', workerOptions, given), tenants: slots }, parts, {
      store: place.store(),
      retentionMs: settings.retentionMs,
      vacuum: settings.vacuum,
      engine: settings.engine ? { of: settings.engine, tenant: parts.parent ? name : null } : null,
      http: { isOurs: (of) => of === about, ping: () => place.ping(), backlog: () => bus.backlog() },
      scheduling: schedulingOf(place.schedules.store, { schedules, publish: publishAsSeen, emit: parts.emit }),
    })
  const close = async () => {
    family.forget(bus)
    if (home === null) await family.closeBelow(prefix)
    place.replays.stop()
    await parts.backend.close()
    if (first === null) await closeHandlers(parts.registry.loaded()?.handlers ?? []) // tenants share these handlers
  }
  const bus: Bus = {
    publish,
    withContext,
    publishResult: resultPublisher(parts),
    ...receiver(publishAsSeen),
    ...broadcaster(parts, listeners),
    ...listenersOf(parts),
    worker: (given: WorkerOptions = {}) => workerOf(given),
    name,
    schema: settings.schema,
    forSchema(given) {
      if (home) return home.forSchema(given)
      if (given === settings.schema) return bus
      const names = namesOfTenant(given, settings)
      const tenant = { ...origin, settings: { ...settings, ...names }, name: prefix + given, parent: parts }
      return family.member(tenant.name, () =>
        makeBus({ ...tenant, connections: place.lend() }, { ...relatives, first: first ?? bus, home: bus }),
      )
    },
    forDatabase(given, options) {
      if (first) return first.forDatabase(given, options)
      checkDatabaseName(given)
      const there = settingsThere(settings, options)
      const key = `${given}/`
      return family.member(key, () =>
        makeBus({ ...origin, settings: there, name: given, parent: parts }, { ...relatives, prefix: key, first: bus }),
      )
    },
    tenants: tenantsOf({ bus: () => bus, list: first ? undefined : settings.tenants, family, emit: parts.emit }),
    async drain(given = {}) {
      const { timeLimitMs, ...how } = parseOptions('bus.drain()', drainOptions, given)
      return drainWithin(bus.worker(how), timeLimitMs)
    },
    async ready() {
      await parts.registry.load()
      await backendFor(parts, publish).check()
    },
    migrate: (how?: MigrateOptions) => place.migrate(how),
    events: { ...place.events },
    doctor: (how?: DoctorOptions) => place.doctor(how),
    prune: (how?: PruneOptions) => place.prune(how),
    deadLetters: { ...place.deadLetters },
    deliveries: { ...place.deliveries },
    schedules: schedulesOf({ ...place.schedules, schedules, publish: publishAsSeen }),
    lanes: { ...place.lanes },
    replay: place.replays.begin as BeginReplay, // `dryRun` decides which result type it returns
    replays: { ...place.replays.replays },
    log: { ...place.log },
    acts: { ...place.acts },
    ...place.pauses,
    rates: (query) => place.rates(query),
    backlog: (how) => place.backlog(how),
    workers: () => place.workers(),
    publishableTypes: () => place.publishableTypes(),
    cancel: (id, how) => place.cancel(id, how),
    close,
    [Symbol.asyncDispose]: close,
  }
  family.add(bus, {
    about,
    database: prefix,
    ping: () => place.ping(),
    worker: (slots, given) => workerOf(given, slots),
  })
  return withParts(bus, parts) // not frozen: tests spy on its methods
}
