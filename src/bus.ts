/** The bus: what an application creates once, publishes with, and makes workers from. */
import type { Backend, PlannedEvent } from './backend.ts'
import { createPostgres, type Postgres } from './backends/postgres/postgres.ts'
import { withParts } from './bus-parts.ts'
import { createCodec, type Codec } from './codec.ts'
import type { Envelope } from './envelope.ts'
import type { DeadLetters, Finding, MigrateOptions, MigrateReport } from './operations.ts'
import { PostbusError } from './errors.ts'
import {
  busOptions,
  DEFAULT_CONCURRENCY,
  parseOptions,
  workerOptions,
  type BusOptions,
  type WorkerOptions,
} from './options.ts'
import type { PublishOptions, PublishResult } from './publish.ts'
import { loadRegistry, type LazyRegistry } from './lazy-registry.ts'
import { planEvents } from './plan.ts'
import { transactionOf } from './publish-checks.ts'
import { emitTo, printSignals, type Emit } from './signals.ts'
import { attemptWith } from './worker/attempt-context.ts'
import { Worker } from './worker/worker.ts'

export interface Bus {
  /**
   * Publishes one event or a list of them, in order: stores each once, and writes one delivery per handler that is
   * interested. With `tx`, all of it belongs to the caller's transaction; one round trip either way.
   *
   * `interested` runs before this returns its promise (with lazily imported handlers: as soon as they are imported).
   * `publish([])` resolves and writes nothing. Everything that can be refused is refused before any SQL.
   *
   * @throws {PostbusError} `POSTBUS_NOT_A_TRANSACTION`, `POSTBUS_TRANSACTION_FINISHED`, `POSTBUS_TRANSACTION_ABORTED`,
   * `POSTBUS_UNSERIALIZABLE`, `POSTBUS_TOO_LARGE`, `POSTBUS_INVALID_EVENT`, `POSTBUS_INTERESTED_FAILED`,
   * `POSTBUS_SCHEMA_MISSING`, `POSTBUS_SCHEMA_OUTDATED`, `POSTBUS_QUEUE_MISSING`.
   */
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** Makes a worker. It does nothing until `start()` or `drain()`. */
  worker(options?: WorkerOptions): Worker
  /** Loads the handlers and checks the database's schema: for an application's start, so that problems show early. */
  ready(): Promise<void>
  /** Installs or updates the schema and the queues. Safe to repeat, and to run in several processes at once. */
  migrate(options?: MigrateOptions): Promise<MigrateReport>
  /** Examines the database, the queues, the handlers and the workers. Changes nothing. */
  doctor(): Promise<readonly Finding[]>
  /** Deliveries that will not be tried again unless you say so. */
  readonly deadLetters: DeadLetters
  /** Lets go of the bus's connections. Workers are stopped by their own `stop()`, before this. */
  close(): Promise<void>
}

/**
 * Creates a bus. Connects to nothing until something needs the database, and imports lazy handlers at first use.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, listing every problem.
 */
export function createBus(options: BusOptions): Bus {
  const settings = parseOptions('createBus()', busOptions, options)
  const emit = emitTo(settings.onSignal ?? printSignals())
  const codec = createCodec({ codecs: settings.codecs, maxBytes: settings.maxPayloadBytes })
  const registry = loadRegistry(settings.handlers)
  const postgres = createPostgres(settings, emit)
  const publish = publisher({ registry, codec, backend: postgres.backend, emit, source: settings.source ?? null })

  const bus: Bus = {
    publish,
    worker: (given: WorkerOptions = {}) => makeWorker(given, { registry, codec, postgres, emit, publish }),
    async ready() {
      await registry.load()
      await postgres.backend.check()
    },
    migrate: async (how?: MigrateOptions) => postgres.migrate((await registry.load()).queues, how),
    doctor: async () => postgres.doctor(await registry.load()),
    deadLetters: postgres.deadLetters,
    close: () => postgres.backend.close(),
  }
  return Object.freeze(withParts(bus, { registry, codec, emit, postgres, publish }))
}

interface PublisherParts {
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly backend: Backend
  readonly emit: Emit
  readonly source: string | null
}

function publisher({ registry, codec, backend, emit, source }: PublisherParts): Bus['publish'] {
  return async (events, options = {}) => {
    const tx = transactionOf(options)
    const list: readonly Envelope[] = Array.isArray(events) ? events : [events]
    // No await when the handlers are there: the statement is then sent in the caller's own turn of the event loop.
    const loaded = registry.loaded() ?? (await registry.load())
    const planned: readonly PlannedEvent[] = planEvents(list, { registry: loaded, codec, emit, source })
    if (planned.length === 0) return { events: [] }
    return { events: await backend.publish(planned, tx) }
  }
}

interface WorkerParts {
  readonly registry: LazyRegistry
  readonly codec: Codec
  readonly postgres: Postgres
  readonly emit: Emit
  readonly publish: Bus['publish']
}

function makeWorker(given: WorkerOptions, { registry: lazy, codec, postgres, emit, publish }: WorkerParts): Worker {
  const { queues, shutdownGraceMs, pollMs } = parseOptions('bus.worker()', workerOptions, given)
  return new Worker({
    store: postgres.backend.store,
    shutdownGraceMs,
    pollMs,
    emit,
    async plan() {
      const registry = await lazy.load()
      return {
        queues: queuesToWork(registry.queues, queues),
        handlers: registry.handlers.map((handler) => handler.name),
        attempt: attemptWith({ registry, codec, emit, publish }),
      }
    },
  })
}

function queuesToWork(known: readonly string[], chosen: Readonly<Record<string, number>> | undefined) {
  if (!chosen) return new Map(known.map((queue) => [queue, DEFAULT_CONCURRENCY] as const))
  const unknown = Object.keys(chosen).find((queue) => !known.includes(queue))
  if (unknown === undefined) return new Map(Object.entries(chosen))
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `No handler uses queue "${unknown}". Queues of the handlers: ${known.join(', ')}.`,
  )
}
