/**
 * A worker: one dispatcher per queue, and around them the code that keeps claims alive, takes over claims of dead workers, and
 * listens for published events. A bus can have several workers, in one process or in many.
 */
import { randomUUID } from 'node:crypto'
import { LOG_WORD } from '../deliveries/log-reading.ts'
import { PostbusError } from '../errors.ts'
import { backfillAll, keepBackfilled } from './backfilling.ts'
import { connectPatiently } from './connect.ts'
import type { Dispatcher } from './dispatcher.ts'
import { dispatchersFor } from './dispatchers.ts'
import { Recovery } from './recovery.ts'
import { stoppedMessage, type StopReport } from './stop-report.ts'
import type { LogWorker } from './log/log-worker.ts'
import { logWorkerFor } from './log/log-worker-for.ts'
import { keptClaims, type KeptClaims } from './kept-claims.ts'
import { keepPruned } from './pruning.ts'
import { keepFinished } from './finishing.ts'
import { keepIndexed } from './indexing.ts'
import { keepCounted } from './minute-counts.ts'
import { keepVacuumed } from './vacuuming.ts'
import { keepSchedules, publishDueTicks } from './scheduling.ts'
import { every } from './every.ts'
import { workerHttp, type WorkerHttp, type WorkerHttpOptions } from './http.ts'
import { watchStalls } from './stalls.ts'
import { Tally, type WorkerCounts } from './tally.ts'
import type { WorkerParts } from './worker-parts.ts'
import type { WorkPlan } from './work-plan.ts'
import { withinMs } from './within.ts'

/** Claims are kept alive this often; a worker that has not done so for 10 s is taken for dead (see `recovery.ts`). */
const KEEP_EVERY_MS = 2_500
/** At the end of the grace period the database gets this long to take claims back. */
const GIVE_BACK_LIMIT_MS = 3_000

export class Worker {
  readonly #parts: WorkerParts
  readonly #id = randomUUID()
  readonly #tally = new Tally()
  #dispatchers: readonly Dispatcher[] = []
  #kept: KeptClaims | null = null
  #log: LogWorker | null = null
  /** Aborted when the worker is no longer wanted. This ends connecting, and everything that runs on a timer. */
  readonly #over = new AbortController()
  #work: Promise<unknown> = Promise.resolve()
  #upkeep: Promise<void>[] = []
  #listening: { close(): Promise<void> } | null = null
  #state: 'new' | 'started' | 'stopping' = 'new'
  #stopped: Promise<StopReport> | null = null

  /** @internal Made by `bus.worker()`. */
  constructor(parts: WorkerParts) {
    this.#parts = parts
  }

  /**
   * Starts working, and resolves as soon as it works. While the database cannot be reached, it tries again and reports that.
   *
   * @throws {PostbusError} `POSTBUS_SCHEMA_MISSING`, `POSTBUS_SCHEMA_OUTDATED`, `POSTBUS_QUEUE_MISSING` or
   * `POSTBUS_QUEUE_MISMATCH`, each with the command that mends it; `POSTBUS_CLOSED` when it was started before.
   */
  async start(): Promise<void> {
    const plan = await this.#prepare()
    if (!plan) return
    this.#listening = this.#parts.store.listen((queues) => this.#wake(queues))
    this.#work = Promise.all(this.#dispatchers.map((dispatcher) => dispatcher.run()))
    this.#keepUp(plan)
    this.#log?.start()
    this.#upkeep.push(this.#keepLooking(), keepBackfilled(this.#parts, plan.backfills, this.#over.signal))
    this.#upkeep.push(keepSchedules(this.#parts.scheduling, this.#over.signal))
    const queues = [...plan.queues].map(([queue, concurrency]) => `${queue}=${concurrency}`).join(', ')
    this.#emit('info', 'worker.started', `Working on ${queues}.`)
  }

  /**
   * Works until no delivery is due any more, stops, and returns what was done. It leaves deliveries that are due later,
   * and deliveries that another process has claimed.
   */
  async drain(): Promise<WorkerCounts> {
    const plan = await this.#prepare()
    if (plan) {
      this.#keepUp(plan)
      this.#work = this.#drainAll(plan)
      await this.#work
    }
    await this.stop()
    return this.#tally.counts()
  }

  /**
   * Claims nothing more, waits for running handlers up to the grace period, then aborts the rest and gives their
   * deliveries back. Always ends. Can be called at any time, and more than once.
   */
  stop(): Promise<StopReport> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** The same as `stop()`: `await using worker = bus.worker()` stops it at the end of its block, before the bus closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Returns the counts of outcomes so far. */
  counts(): WorkerCounts {
    return this.#tally.counts()
  }

  /**
   * Returns a web `fetch` handler with `/livez`, `/readyz` and `/metrics`, below any path. Counting for Prometheus begins with this call: call it
   * once, before `start()`. @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`.
   *
   * @example Deno.serve({ port: 9465 }, worker.http()) // for Node: docs/health.md
   */
  http(options?: WorkerHttpOptions): WorkerHttp {
    const hindrance = () => {
      if (this.#state === 'stopping') return 'the worker is stopping'
      return this.#listening ? null : 'the worker has not started'
    }
    return workerHttp({ over: this.#over.signal, hindrance }, this.#parts.http, options)
  }

  /** Loads the plan and connects. Returns `null` if the worker was stopped before that was done. */
  async #prepare(): Promise<WorkPlan | null> {
    if (this.#state !== 'new') {
      throw new PostbusError('POSTBUS_CLOSED', 'This worker was started before. Make another one with bus.worker().')
    }
    this.#state = 'started'
    const { pollMs, emit } = this.#parts
    const plan = await this.#parts.plan()
    const prepare = async () => {
      await this.#parts.store.prepare([...plan.queues.keys()], plan.shadows, plan.transactional)
      await this.#announce(plan)
    }
    if (!(await connectPatiently(prepare, this.#over.signal, emit))) return null
    this.#log = await this.#logWorker(plan)
    this.#kept = await keptClaims(this.#parts, plan) // last: a worker that cannot start has nothing to give back
    this.#dispatchers = dispatchersFor(plan, { store: this.#kept.store, pollMs, emit, tally: this.#tally })
    return plan
  }

  async #stop(): Promise<StopReport> {
    const wasStarted = this.#state === 'started'
    this.#state = 'stopping'
    if (wasStarted) this.#emit('info', 'worker.stopping', 'Stopping: no new claims, waiting for running handlers.')
    for (const dispatcher of this.#dispatchers) dispatcher.stopClaiming()
    this.#log?.stopReading()

    await withinMs(this.#parts.shutdownGraceMs, this.#allIdle())
    const givenBack = (await withinMs(GIVE_BACK_LIMIT_MS, this.#giveBack())) ?? this.#sumOf('leftCount')
    const unsettled = this.#sumOf('unsettledCount')
    for (const dispatcher of this.#dispatchers) dispatcher.giveUp()

    this.#over.abort()
    await withinMs(GIVE_BACK_LIMIT_MS, this.#leave(wasStarted))
    const said = stoppedMessage(givenBack, unsettled)
    if (wasStarted) this.#emit('info', 'worker.stopped', said, { givenBack, unsettled })
    return { givenBack }
  }

  async #allIdle(): Promise<void> {
    await this.#work
    await Promise.all([this.#log?.idle(), ...this.#dispatchers.map((dispatcher) => dispatcher.idle())])
  }

  /** Gives back what still runs. A claim may still be under way: its deliveries are given back when they arrive, and that must be written too. */
  async #giveBack(): Promise<number> {
    const [counts] = await Promise.all([
      Promise.all([...this.#dispatchers, ...(this.#log ? [this.#log] : [])].map((one) => one.giveBack())),
      this.#work,
    ])
    await Promise.all(this.#dispatchers.map((dispatcher) => dispatcher.written()))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  #sumOf(count: 'leftCount' | 'unsettledCount'): number {
    return this.#dispatchers.reduce((sum, dispatcher) => sum + dispatcher[count], 0)
  }

  /** Drains until a whole round has found nothing: a handler can publish to a queue that was empty before. */
  async #drainAll({ backfills }: WorkPlan): Promise<void> {
    await publishDueTicks(this.#parts.scheduling)
    let found = 1
    while (found > 0 && this.#state === 'started') {
      const given = (await backfillAll(this.#parts, backfills)) + ((await this.#log?.drain()) ?? 0)
      const claimed = await Promise.all(this.#dispatchers.map((dispatcher) => dispatcher.drain()))
      found = claimed.reduce((sum, count) => sum + count, given)
    }
  }

  #wake(queues: readonly string[] | 'all'): void {
    if (queues === 'all' || queues.includes(LOG_WORD)) this.#log?.wake()
    if (queues === 'all') return void this.#look()
    for (const dispatcher of this.#dispatchers) if (queues.includes(dispatcher.queue)) dispatcher.wake()
  }

  async #keepLooking(): Promise<void> {
    await this.#look()
    await every(this.#parts.pollMs, () => this.#look(), this.#over.signal)
  }

  /** Asks for all queues in one statement. If that fails, all queues are woken: their claims then report an unreachable database. */
  async #look(): Promise<void> {
    const all = this.#dispatchers.map(({ queue }) => queue)
    this.#wake(await this.#parts.store.due(all).catch(() => all))
  }

  #keepUp(plan: WorkPlan): void {
    this.#upkeep = [
      every(KEEP_EVERY_MS, () => this.#keepClaims(), this.#over.signal),
      ...(this.#kept ? [watchStalls(this.#kept, this.#parts.emit, this.#over.signal)] : []),
      new Recovery(this.#parts).run(() => this.#announce(plan), this.#over.signal),
      keepPruned(this.#parts, this.#over.signal),
      keepIndexed(this.#parts.store, this.#over.signal),
      keepFinished(this.#parts.store, this.#over.signal),
      keepCounted(this.#parts.store, this.#tally.minute, this.#over.signal),
      ...(this.#parts.vacuum ? [keepVacuumed(this.#parts.store, this.#over.signal)] : []),
    ]
  }

  #keepClaims(): Promise<unknown> {
    return Promise.all(this.#dispatchers.map((one) => one.keepClaims(KEEP_EVERY_MS / 2)))
  }

  #logWorker(plan: WorkPlan): Promise<LogWorker | null> {
    return logWorkerFor(plan, { ...this.#parts, tally: this.#tally, wake: (queue) => this.#wake([queue]) })
  }

  #announce(plan: WorkPlan): Promise<void> {
    return this.#parts.store.announce({ id: this.#id, queues: plan.queues, handlers: plan.handlers })
  }

  /** Runs last: an announcement that is still under way would insert our row again. */
  async #leave(wasStarted: boolean): Promise<void> {
    await Promise.allSettled([...this.#upkeep, this.#listening?.close(), this.#kept?.stop(), this.#log?.leave()])
    if (wasStarted) await this.#parts.store.leave(this.#id).catch(() => undefined) // then the row is deleted when it is too old
  }

  #emit(
    level: 'info',
    name: 'worker.started' | 'worker.stopping' | 'worker.stopped',
    message: string,
    fields = {},
  ): void {
    this.#parts.emit(level, name, message, { workerId: this.#id, ...fields })
  }
}
