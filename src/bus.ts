/** The bus: what an application creates once, publishes with, and makes workers from. */
import type { DeliveryStore } from './deliveries/delivery-store.ts'
import { backendFor, withParts, type BusParts } from './publishing/backend-override.ts'
import { createInMemory } from './backends/in-memory.ts'
import { createPostgres, type Postgres } from './backends/postgres/postgres.ts'
import { BroadcastListeners } from './broadcast/broadcast-listeners.ts'
import { broadcaster } from './broadcast/broadcaster.ts'
import type { Broadcasts } from './broadcast/broadcasts.ts'
import { storedForm } from './backends/decoded-copy.ts'
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
  type Settings,
  type WorkerOptions,
} from './options.ts'
import { parseOptions } from './parse-options.ts'
import { lazyRegistry } from './handlers/lazy-registry.ts'
import { hooksOf } from './middleware/hooks.ts'
import type { PublishOptions, PublishResult } from './events/publish-result.ts'
import { eventDefaults } from './publishing/event-defaults.ts'
import { FilteredCounts } from './publishing/filtered-counts.ts'
import { publisher } from './publishing/publisher.ts'
import { receiver, type Receiver } from './publishing/receiver.ts'
import { resultPublisher, type ResultPublisher } from './publishing/result-publisher.ts'
import { withContext, type PublishContext } from './publishing/trace.ts'
import { emitTo, printSignals } from './signals.ts'
import { drainWithin, type DrainReport } from './worker/drain-within.ts'
import { schedulesIn, type Schedule } from './schedules/schedule.ts'
import { makeWorker, schedulingOf } from './worker/bus-worker.ts'
import type { Worker } from './worker/worker.ts'

export interface Bus extends ResultPublisher, Receiver, Broadcasts, Listeners, Operators {
  /**
   * Publishes one event or a list of them, in order: stores each once, and writes one delivery per handler that is
   * interested. With `tx`, all of it belongs to the caller's transaction; one round trip either way.
   *
   * `interested` runs before this returns its promise (with lazily imported handlers: as soon as they are imported).
   * `publish([])` resolves and writes nothing. Everything that can be refused is refused before any SQL.
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
   * Runs `work` and returns what it returns. What is published inside it, also later in a promise or a timer that it began,
   * carries this context, unless the event says otherwise: for a request, a job or an import. Contexts may lie inside each
   * other: the inner one wins, and metadata is merged. Inside a handler there is a context already: the event it handles
   * becomes the cause, and its correlation id is carried on. That one ends with the attempt.
   *
   * @example
   * app.use((request, response, next) => bus.withContext({ correlationId: request.id, source: 'api' }, next))
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the context holds what an event could not.
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
   * Works until nothing is due any more, or the time is up, and returns what was done: for a serverless function or a script, where no
   * worker stays. Deliveries for a later time stay, and so do those that another process is working on.
   *
   * @example const { done, isTimeUp } = await bus.drain({ timeLimitMs: 20_000 })
   * @throws {PostbusError} what `worker.start()` throws.
   */
  drain(options?: DrainOptions): Promise<DrainReport>
  /** Loads the handlers and checks the database's schema: for an application's start, so that problems show early. */
  ready(): Promise<void>
  /** Installs or updates the schema and the queues. Safe to repeat, and to run in several processes at once. */
  migrate(options?: MigrateOptions): Promise<MigrateReport>
  /** What was published and what became of it; waiting for its end. */
  readonly events: EventRecord & EventTransfer & EventActs
  /** Closes the bus's connections. Stop workers before this, by their own `stop()`. */
  close(): Promise<void>
  /** The same as `close()`: `await using bus = createBus(…)` closes it at the end of its block. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Creates a bus. Connects to nothing until something needs the database, and imports lazy handlers at first use. An application
 * has one, in a file that the command line can import too.
 *
 * @example
 * export const bus = createBus({ connectionString, handlers: () => import('./event-handlers.ts') })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, listing every problem.
 */
export function createBus(options: BusOptions): Bus {
  const settings = parseOptions('createBus()', busOptions, options)
  const schedules = schedulesIn(settings.schedules)
  const publishAsSeen: BusParts['publish'] = (events, how) => bus.publish(events, how)
  const { parts, place, publish, listeners } = assemble(settings, { publishAsSeen, schedules })

  const close = () => {
    place.replays.stop()
    return parts.backend.close()
  }
  const bus: Bus = {
    publish,
    withContext,
    publishResult: resultPublisher(parts),
    ...receiver(publishAsSeen),
    ...broadcaster(parts, listeners),
    ...listenersOf(parts),
    worker: (given: WorkerOptions = {}) =>
      makeWorker(parseOptions('bus.worker()', workerOptions, given), parts, {
        store: place.store(),
        retentionMs: settings.retentionMs,
        vacuum: settings.vacuum,
        http: { bus: parts.middleware.bus, ping: () => place.ping(), backlog: () => bus.backlog() },
        scheduling: schedulingOf(place.schedules.store, { schedules, publish: publishAsSeen, emit: parts.emit }),
      }),
    async drain(given = {}) {
      const { timeLimitMs, ...how } = parseOptions('bus.drain()', drainOptions, given)
      return drainWithin(bus.worker(how), timeLimitMs)
    },
    async ready() {
      await parts.registry.load()
      await backendFor(parts, publish).check()
    },
    async migrate(how?: MigrateOptions) {
      const { queues, handlers } = await parts.registry.load()
      return place.migrate(queues, how, handlers)
    },
    events: { ...place.events },
    doctor: (how?: DoctorOptions) => place.doctor(how),
    prune: (how?: PruneOptions) => place.prune(how),
    deadLetters: { ...place.deadLetters },
    deliveries: { ...place.deliveries },
    schedules: schedulesOf({ ...place.schedules, schedules, publish: publishAsSeen }),
    lanes: { ...place.lanes },
    replay: place.replays.begin as BeginReplay, // which result it is follows from `dryRun`
    replays: { ...place.replays.replays },
    log: { ...place.log },
    acts: { ...place.acts },
    ...place.pauses,
    rates: (query) => place.rates(query),
    backlog: (how) => place.backlog(how),
    workers: () => place.workers(),
    cancel: (id, how) => place.cancel(id, how),
    close,
    [Symbol.asyncDispose]: close,
  }
  return withParts(bus, parts) // not frozen: tests spy on its methods
}

interface Assembled {
  /** What handlers and schedules publish goes through the bus, so that a test that spies on it sees that too. */
  readonly publishAsSeen: BusParts['publish']
  readonly schedules: readonly Schedule[]
}

function assemble(settings: Settings, { publishAsSeen, schedules }: Assembled) {
  const { backend: kind, source = null, transaction } = settings
  const about = Object.freeze({ source })
  const emit = emitTo(settings.onSignal ?? printSignals(), about)
  const codec = createCodec({ codecs: settings.codecs, maxBytes: settings.maxPayloadBytes })
  const registry = lazyRegistry(settings.handlers, settings.events)
  const mailbox: Envelope[] = []
  const middleware = hooksOf(settings.middleware, about)
  const listeners = new BroadcastListeners({ registry, codec, emit })
  const tell: BusParts['tell'] = (planned) => listeners.hear(storedForm(planned))
  const publish = publisher(() => parts)
  const known = { registry, codec, emit, middleware, publish: publishAsSeen, transaction }
  const place =
    kind === 'postgres'
      ? inPostgres(createPostgres(settings, { ...known, listeners, schedules }))
      : createInMemory(kind, mailbox, { ...known, tell })
  const { backend } = place
  const parts: BusParts = {
    kind,
    registry,
    codec,
    emit,
    source,
    defaults: eventDefaults(settings),
    ambient: settings,
    middleware,
    tell,
    transaction,
    filtered: new FilteredCounts(),
    backend,
    mailbox,
    publish: publishAsSeen,
  }
  return { parts, place, publish, listeners }
}

function inPostgres(postgres: Postgres) {
  return { ...postgres, store: (): DeliveryStore => postgres.backend.store }
}
