/**
 * A worker for many tenants, in one process: a worker for each of them, with slots that they share. It asks again and again which
 * tenants there are.
 *
 *   is in the list ──► worker started ──► is not in the list any more ──► worker stopped
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

/** So long does `start()` wait for tenants whose database does not answer. They start when it does. */
const START_LIMIT_MS = 5_000

/** A tenant of which there can be a worker. */
export interface WorkedTenant {
  readonly name: string
  readonly member: Pick<MemberBus, 'about' | 'database' | 'ping'>
  /** Another one at each call. */
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
  /** What was said about tenants that could not be started. */
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
   * Works for all tenants that there are, and for those that come later. Resolves when it works for those whose database has answered.
   *
   * @throws what `tenants` of the bus throws, here and not later; `POSTBUS_CLOSED` when it was started before.
   */
  async start(): Promise<void> {
    this.#begin()
    await withinMs(START_LIMIT_MS, this.#look(await this.#parts.list()))
    if (!this.#over.signal.aborted) this.#looking = this.#keepLooking()
  }

  /**
   * Works for one tenant after the other until nothing of it is due any more, stops, and returns what was done.
   *
   * @throws after it has worked for all others: why it could not work for a tenant. The signal `tenant.failed` reports each of them.
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
    const worker = makeWorker()
    this.#running.set(name, { worker, member })
    try {
      await worker.drain()
    } finally {
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

  /** The tenants that it works for now. */
  tenants(): readonly string[] {
    return [...this.#running.keys()]
  }

  /** What became of attempts so far, of all tenants together. */
  counts(): WorkerCounts {
    const running = [...this.#running.values()].map(({ worker }) => worker.counts())
    return [this.#ended, ...running].reduce(addCounts)
  }

  /**
   * As `worker.http()`, for all tenants together: ready is a worker when one of their databases answers. `/metrics` counts what is done; what waits
   * is not in it.
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

  /** One tenant of each database asks. */
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
        if (!over.aborted) void this.#look(tenants) // one that cannot start yet holds up no other
      } catch (error) {
        const message = `The tenants could not be listed; those that were there are worked for: ${safeTextOfError(error)}`
        if (!failed && !over.aborted) emit('warn', 'tenants.unknown', message)
        failed = true
      }
    }
  }

  /** Resolves when those that are new have started, or cannot. */
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

  /** It stays among those that run until it has stopped: one that comes back meanwhile starts at a later look. */
  async #leave(name: string, { worker }: Running): Promise<void> {
    await worker.stop()
    if (this.#running.get(name)?.worker !== worker) return
    this.#ended = addCounts(this.#ended, worker.counts())
    this.#running.delete(name)
  }
}
