/**
 * Keeps a worker's claims alive while its event loop stands still, from a thread with a connection of its own: a handler that
 * computes without a pause does not cost the worker its claims. Without a thread, such a worker loses its claims after 10 s, and
 * `onUnavailable` says why there is none.
 *
 * The thread is started at the first claim, before its handler begins: later would be too late, because a handler that blocks the
 * event loop blocks the start too. Workers of several schemas in one database share the thread.
 */
import { Worker } from 'node:worker_threads'
import type { ClaimedDelivery } from '../../../deliveries/delivery.ts'
import type { Heartbeats, HeldClaim } from '../../../deliveries/heartbeats.ts'
import { safeTextOfError } from '../../../error-text.ts'
import type { Connection } from '../connection.ts'
import { sharedSessionBegin } from '../connections/session.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { placeOf, type Place } from './place.ts'
import { LAYOUT, SharedClaims } from './shared-claims.ts'
import { keepFromThread, type FromThread, type KeptQueue, type ThreadData, type ToThread } from './thread.ts'
import { wireClient } from './wire-client.ts'

const STANDS_STILL_MS = 1_000
const BEAT_EVERY_MS = 2_500
const LIMIT_MS = 3_000

/** The code of the thread, as text. Bundlers that keep the names of functions insert calls of `__name` into it. */
const SOURCE = `const __name = (made) => made; (${String(keepFromThread)})(${String(wireClient)})`

/** A worker whose claims the thread keeps alive. */
export interface KeptWorker {
  readonly tables: Tables
  readonly queues: readonly string[]
  /** Called once, with the reason, if only the main thread can keep claims alive. */
  onUnavailable(why: string): void
}

/** The heartbeats of all workers of one database in this process. They share a thread, which ends when the last worker leaves. */
export class SharedHeartbeats {
  readonly #connection: Pick<Connection, 'unconnected'>
  #beating: BeatingThread | null = null
  #workers = 0

  constructor(connection: Pick<Connection, 'unconnected'>) {
    this.#connection = connection
  }

  /** Never rejects. If there can be no thread, it tells the worker and returns heartbeats that do nothing. */
  async startFor(worker: KeptWorker): Promise<Heartbeats> {
    try {
      const place = placeOf(await this.#connection.unconnected())
      const thread = (this.#beating ??= new BeatingThread(this.#connection, place))
      this.#workers += 1
      return thread.heartbeatsOf(worker, () => this.#left(thread))
    } catch (error) {
      worker.onUnavailable(safeTextOfError(error))
      return NONE
    }
  }

  async #left(thread: BeatingThread): Promise<void> {
    this.#workers -= 1
    if (this.#workers > 0 || this.#beating !== thread) return
    this.#beating = null
    await thread.stop()
  }
}

const NONE: Heartbeats = {
  hold: () => undefined,
  release: () => undefined,
  pulse: () => undefined,
  stop: async () => undefined,
}

class BeatingThread {
  readonly #connection: Pick<Connection, 'unconnected'>
  readonly #place: Place
  readonly #claims = new SharedClaims()
  readonly #queues: KeptQueue[] = []
  readonly #workers = new Set<KeptWorker>()
  #thread: Worker | null = null
  #isOver = false
  /** Also set by the first connection: a failure after that is an outage, which is reported elsewhere. */
  #isReported = false

  constructor(connection: Pick<Connection, 'unconnected'>, place: Place) {
    this.#connection = connection
    this.#place = place
  }

  heartbeatsOf(worker: KeptWorker, left: () => Promise<void>): Heartbeats {
    const { tables } = worker
    const keepFunction = functionName(tables, 'keep')
    const recoverFunction = functionName(tables, 'recover_silent')
    const first = this.#queues.length
    this.#queues.push(...worker.queues.map((queue) => ({ queue, keepFunction, recoverFunction })))
    this.#workers.add(worker)
    this.#tell({ queues: this.#queues })
    const placeIn = (queue: string) => first + worker.queues.indexOf(queue)
    let hasLeft = false
    return {
      hold: (claims) => {
        if (!hasLeft) this.#hold(claims, placeIn)
      },
      release: (deliveries: readonly ClaimedDelivery[]) => {
        for (const delivery of deliveries) this.#claims.release(placeIn(delivery.queue), delivery)
      },
      pulse: () => this.#claims.pulse(),
      stop: async () => {
        if (hasLeft) return
        hasLeft = true
        this.#workers.delete(worker)
        this.#claims.releaseAll(new Set(worker.queues.map(placeIn)))
        await left()
      },
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#thread?.terminate()
  }

  #hold(claims: readonly HeldClaim[], placeIn: (queue: string) => number): void {
    if (this.#isOver || claims.length === 0) return
    for (const claim of claims) this.#claims.hold(placeIn(claim.delivery.queue), claim)
    if (!this.#thread) this.#start()
  }

  #start(): void {
    try {
      const thread = new Worker(SOURCE, { eval: true, execArgv: [], workerData: this.#data() })
      thread.unref()
      thread.on('message', (said: FromThread) => this.#hear(said))
      thread.on('error', (error) => this.#giveUp(safeTextOfError(error)))
      this.#thread = thread
    } catch (error) {
      this.#giveUp(safeTextOfError(error))
    }
  }

  #data(): ThreadData {
    return {
      memory: this.#claims.memory,
      layout: LAYOUT,
      place: this.#place,
      queues: this.#queues,
      begin: sharedSessionBegin(LIMIT_MS),
      standsStillMs: STANDS_STILL_MS,
      beatEveryMs: BEAT_EVERY_MS,
      limitMs: LIMIT_MS,
    }
  }

  #tell(what: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#thread?.postMessage(what)
  }

  #hear(said: FromThread): void {
    if (said.is === 'connected') this.#isReported = true
    else void this.#showTheWay(said.why)
  }

  /** Tells the thread where to connect now: a password may have changed meanwhile, or the server may have moved. */
  async #showTheWay(why: string): Promise<void> {
    this.#report(why)
    try {
      this.#tell({ place: placeOf(await this.#connection.unconnected()) })
    } catch {
      // The next failure asks again.
    }
  }

  #giveUp(why: string): void {
    if (!this.#isOver) this.#report(why)
    this.#isOver = true
  }

  #report(why: string): void {
    if (!this.#isReported) for (const worker of this.#workers) worker.onUnavailable(why)
    this.#isReported = true
  }
}
