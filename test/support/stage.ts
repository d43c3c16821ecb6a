/** A stage for faults: a database with a bus, worker processes on it, and the trace that their handlers write. */
import { Pool } from 'pg'
import { createBus, type Bus, type BusSignal } from '../../src/index.ts'
import { STEADY, TaskAdded, type Task, type TracedHandler } from '../faults/tasks.ts'
import { tracedHandlerOf } from '../faults/traced-batch.ts'
import type { TracedBusSettings } from '../faults/traced-bus.ts'
import { createDatabase } from './database.ts'
import { openTrace, type Trace, type TraceEntry } from './trace.ts'
import type { Expected } from './trace-checks.ts'
import { until } from './until.ts'
import { startWorkerProcess, type Launcher, type WorkerProcess } from './worker-process.ts'
import { EVERY_DELIVERY } from './every-delivery.ts'

export interface DeliveryState {
  readonly id: string
  readonly eventId: string
  readonly handler: string
  readonly state: string
  readonly retryCount: number
  /** The codes or messages of the errors of its attempts. */
  readonly errors: readonly string[]
}

export interface Stage {
  readonly connectionString: string
  readonly bus: Bus
  readonly signals: readonly BusSignal[]
  readonly database: Pool
  readonly trace: Trace
  /** Publishes one task, or several in one transaction. Returns the ids of their events. */
  publish(...tasks: readonly Task[]): Promise<readonly string[]>
  /** Migrates as a deploy with these handlers does. */
  migrate(handlers: readonly TracedHandler[]): Promise<void>
  /** Starts a worker process and waits until it works. */
  worker(options?: StageWorker): Promise<WorkerProcess>
  /** Deliveries, oldest first. */
  deliveries(): Promise<readonly DeliveryState[]>
  /** Waits until nothing waits or runs any more. */
  settled(limitMs?: number): Promise<void>
  /** Waits for an entry of the trace, and returns it. */
  entry(what: string, matches: (entry: TraceEntry) => boolean, limitMs?: number): Promise<TraceEntry>
  dead(): Promise<readonly Expected[]>
  close(): Promise<void>
}

export interface StageWorker extends Partial<TracedBusSettings> {
  readonly words?: readonly string[]
  readonly node?: readonly string[]
  readonly through?: Launcher
  /** The checkout, or a similar folder, whose code the worker runs. Default: this checkout. */
  readonly code?: string
  /** If true, waits until it works. Default: true. */
  readonly wait?: boolean
}

export interface StageOptions {
  readonly handlers?: readonly TracedHandler[]
  /** A server of the test's own, instead of the one that all tests share. The trace stays on the shared one. */
  readonly server?: string
  /** If true, this code migrates the database. Default: true. */
  readonly isMigrated?: boolean
}

export async function openStage({ handlers = [STEADY], server, isMigrated = true }: StageOptions = {}): Promise<Stage> {
  const created = await createDatabase()
  const connectionString = server ?? created.connectionString
  const trace = await openTrace(created.connectionString)
  const signals: BusSignal[] = []
  const bus = createBus({
    connectionString,
    handlers: handlers.map((handler) => tracedHandlerOf(handler, async () => undefined)),
    onSignal: (signal) => signals.push(signal),
  })
  const database = new Pool({ connectionString, max: 10 })
  database.on('error', () => undefined)
  if (isMigrated) await bus.migrate()
  const workers: WorkerProcess[] = []

  async function deliveries(): Promise<readonly DeliveryState[]> {
    const { rows } = await database.query<DeliveryState>(
      `select id, data ->> 'event' as "eventId", data ->> 'handler' as handler, state,
        retry_count as "retryCount",
        array(select coalesce(error ->> 'code', error ->> 'message') from jsonb_array_elements(coalesce(output, '[]')) error)
          as errors
      from ${EVERY_DELIVERY} job order by id`,
    )
    return rows
  }

  return {
    connectionString,
    bus,
    signals,
    database,
    trace,
    deliveries,
    async publish(...tasks) {
      const { events } = await bus.publish(tasks.map((task) => TaskAdded(task)))
      return events.map((event) => event.id)
    },
    async migrate(deployed) {
      await using other = createBus({
        connectionString,
        handlers: deployed.map((handler) => tracedHandlerOf(handler, async () => undefined)),
        onSignal: (signal) => signals.push(signal),
      })
      await other.migrate({ replaceRegistry: true })
    },
    async worker({ words, node, code, through, wait = true, ...settings } = {}) {
      const worker = await startWorkerProcess({
        settings: { connectionString, traceTo: trace.connectionString, handlers, ...settings },
        ...(words && { words }),
        ...(node && { node }),
        ...(code && { code }),
        ...(through && { through }),
      })
      workers.push(worker)
      if (wait) await worker.signalled('worker.started')
      return worker
    },
    settled: (limitMs) =>
      until(
        'nothing waits or runs any more',
        async () => {
          const { rows } = await database.query(
            `(select from pgboss.job where state < 'completed' limit 1) union all
            (select from postbus.log_cursor where position < (select max(seq) from postbus.event) limit 1)`,
          )
          return rows.length === 0
        },
        limitMs,
      ),
    async entry(what, matches, limitMs) {
      let found: TraceEntry | undefined
      await until(what, async () => (found = (await trace.entries()).find(matches)) !== undefined, limitMs)
      return found as TraceEntry
    },
    async dead() {
      const letters = (await bus.deadLetters.list({ limit: 10_000 })).deadLetters
      return letters.map(({ handler, eventId }) => ({ handler, eventId: eventId ?? '' }))
    },
    async close() {
      for (const worker of workers) worker.kill('SIGKILL')
      await Promise.all(workers.map((worker) => worker.exited))
      await bus.close()
      await database.end()
      await trace.close()
      await created.drop()
    },
  }
}
