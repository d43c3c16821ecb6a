/**
 * A worker for many tenants in one process: it runs one worker for each tenant, and these share slots. It asks repeatedly for the
 * list of tenants.
 *
 *   is in the list ──► worker started ──► is no longer in the list ──► worker stopped
 *                        │ cannot start: said once, and tried again at the next look
 */
import { sleep } from '../clock.ts'
import { safeTextOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import type { BusName, Emit } from '../signals.ts'
import type { StopReport } from '../worker/stop-report.ts'
import { workerHttp, type WorkerHttp, type WorkerHttpOptions } from '../worker/http.ts'
import { addCounts, NO_COUNTS, type WorkerCounts } from '../worker/tally.ts'
import type { Worker } from '../worker/worker.ts'
import { withinMs } from '../worker/within.ts'
import type { MemberBus } from './family.ts'

/** How long `start()` waits for tenants whose database does not answer: they start when it does. `drain()` goes on without them. */
const ANSWER_LIMIT_MS = 5_000

/** A tenant for which a worker can be made. */
export interface WorkedTenant {
  readonly name: string
  readonly member: Pick<MemberBus, 'about' | 'database' | 'ping'>
  /** Makes a new worker at each call. */
  makeWorker(): Worker
}

export interface TenantsWorkerParts {
  list(): Promise<readonly WorkedTenant[]>
  readonly lookEveryMs: number
  readonly emit: Emit
}

interface Running extends Pick<WorkedTenant, 'member'> {
  readonly worker: Worker
}

export class TenantsWorker {
  readonly #parts: TenantsWorkerParts
  readonly #running = new Map<string, Running>()
  /** The last message about each tenant that could not be started. */
  readonly #said = new Map<string, string>()
  readonly #over = new AbortController()
  #state: 'new' | 'started' | 'stopping' = 'new'
  #looking: Promise<void> = Promise.resolve()
  #stopped: Promise<StopReport> | null = null
  #ended: WorkerCounts = NO_COUNTS
  readonly #known = new WeakSet<BusName>()

  /** @internal Made by `bus.tenants.worker()`. */
  constructor(parts: TenantsWorkerParts) {
    this.#parts = parts
  }

  /**
   * Starts work for all present tenants, and later for new ones. Resolves when it works for all tenants whose database has answered.
   *
   * @throws what the bus's option `tenants` throws at the first call; later errors are signals. `POSTBUS_CLOSED` when it was started
   * before.
   */
  async start(): Promise<void> {
    this.#begin()
    await withinMs(ANSWER_LIMIT_MS, this.#look(await this.#parts.list()))
    if (!this.#over.signal.aborted) this.#looking = this.#keepLooking()
  }

  /**
   * Works for one tenant after the other, until none of its deliveries is due any more. Then stops, and returns what was done.
   *
   * @throws the error of the first tenant that it could not work for, after it has worked for the others. The signal `tenant.failed` reports each one.
   */
  async drain(): Promise<WorkerCounts> {
    this.#begin()
    const errors: unknown[] = []
    for (const tenant of await this.#parts.list()) {
      if (this.#over.signal.aborted) break
      try {
        await this.#drainOne(tenant)
      } catch (error) {
        errors.push(error)
        this.#say(tenant.name, `${tenant.name}: could not be worked for: ${safeTextOfError(error)}`)
      }
    }
    await this.stop()
    if (errors.length > 0) throw errors[0]
    return this.counts()
  }

  async #drainOne({ name, member, makeWorker }: WorkedTenant): Promise<void> {
    await answerOf(member)
    const worker = makeWorker()
    this.#running.set(name, { worker, member })
    try {
      await worker.drain()
    } finally {
      await worker.stop()
      this.#ended = addCounts(this.#ended, worker.counts())
      this.#running.delete(name)
    }
  }

  /** Stops the workers of all tenants at the same time: see `worker.stop()`. Can be called at any time, and more than once. */
  stop(): Promise<StopReport> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** The same as `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** The names of the tenants for which it works now. */
  tenants(): readonly string[] {
    return [...this.#running.keys()]
  }

  /** The counts of how attempts have ended so far, for all tenants together. */
  counts(): WorkerCounts {
    const running = [...this.#running.values()].map(({ worker }) => worker.counts())
    return [this.#ended, ...running].reduce(addCounts)
  }

  /**
   * Like `worker.http()`, for all tenants together: it is ready when one of their databases answers. `/metrics` counts what was done, but not the
   * deliveries that wait.
   */
  http(options?: WorkerHttpOptions): WorkerHttp {
    const hindrance = () => {
      if (this.#state === 'started') return null
      return this.#state === 'new' ? 'the worker has not started' : 'the worker is stopping'
    }
    const parts = {
      isOurs: (bus: BusName) => this.#known.has(bus),
      ping: () => this.#ping(),
      backlog: () => Promise.reject(new Error('That is asked for each tenant.')),
    }
    return workerHttp({ over: this.#over.signal, hindrance }, parts, options)
  }

  /** Asks each database, through one tenant of it. */
  async #ping(): Promise<unknown> {
    const members = new Map([...this.#running.values()].map(({ member }) => [member.database, member]))
    return members.size === 0 ? undefined : Promise.any([...members.values()].map((member) => member.ping()))
  }

  #begin(): void {
    if (this.#state !== 'new')
      throw new PostbusError(
        'POSTBUS_CLOSED',
        'This worker was started before. Make another with bus.tenants.worker().',
      )
    this.#state = 'started'
  }

  async #stop(): Promise<StopReport> {
    this.#state = 'stopping'
    this.#over.abort()
    const reports = await Promise.all([...this.#running.values()].map(({ worker }) => worker.stop()))
    await this.#looking
    return { givenBack: reports.reduce((sum, { givenBack }) => sum + givenBack, 0) }
  }

  async #keepLooking(): Promise<void> {
    const { lookEveryMs, emit, list } = this.#parts
    const over = this.#over.signal
    for (let failed = false; ;) {
      await sleep(lookEveryMs, over)
      if (over.aborted) return
      try {
        const tenants = await list()
        failed = false
        if (!over.aborted) void this.#look(tenants) // not awaited: a tenant that cannot start yet must not hold up others
      } catch (error) {
        const message = `The tenants could not be listed. The worker goes on with the tenants that it knows: ${safeTextOfError(error)}`
        if (!failed && !over.aborted) emit('warn', 'tenants.unknown', message)
        failed = true
      }
    }
  }

  /** Starts and stops workers as the list says. Resolves when each new worker has started or failed to start. */
  async #look(tenants: readonly WorkedTenant[]): Promise<void> {
    if (this.#over.signal.aborted) return
    const names = new Set(tenants.map(({ name }) => name))
    for (const [name, running] of this.#running) if (!names.has(name)) void this.#leave(name, running)
    const isNew = tenants.filter(({ name }) => !this.#running.has(name))
    await Promise.all(isNew.map((tenant) => this.#join(tenant)))
  }

  async #join({ name, member, makeWorker }: WorkedTenant): Promise<void> {
    const worker = makeWorker()
    this.#known.add(member.about)
    this.#running.set(name, { worker, member })
    try {
      await worker.start()
      this.#said.delete(name)
    } catch (error) {
      this.#running.delete(name)
      this.#say(name, `${name}: its worker cannot start, and is tried again: ${safeTextOfError(error)}`)
    }
  }

  #say(name: string, message: string): void {
    if (this.#said.get(name) === message || this.#over.signal.aborted) return
    this.#said.set(name, message)
    this.#parts.emit('error', 'tenant.failed', message, { bus: name })
  }

  /** The tenant stays in the list of running ones until its worker has stopped. If it comes back meanwhile, it starts at a later look. */
  async #leave(name: string, { worker }: Running): Promise<void> {
    await worker.stop()
    if (this.#running.get(name)?.worker !== worker) return
    this.#ended = addCounts(this.#ended, worker.counts())
    this.#running.delete(name)
  }
}

/** A worker would wait until its database can be reached, and the tenants after it would wait too. */
async function answerOf({ database, ping }: WorkedTenant['member']): Promise<void> {
  const answered = await withinMs(
    ANSWER_LIMIT_MS,
    ping().then(() => true),
  )
  if (!answered)
    throw new PostbusError(
      'POSTBUS_DATABASE_UNREACHABLE',
      `The database ${database} has not answered within ${ANSWER_LIMIT_MS / 1_000} s. Drain again when it answers.`,
    )
}
