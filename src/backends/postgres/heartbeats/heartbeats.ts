/**
 * Keeps a worker's claims alive while its event loop stands still, from a thread with a connection of its own: a handler that
 * computes without a pause costs neither itself nor its neighbours their claims. Where no thread can be had, such a handler
 * loses them after 10 s, and `onUnavailable` says so.
 *
 * The thread is started at the first claim, before its handler begins: later would be too late, because a handler that blocks the
 * event loop blocks the start too.
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
import { keepFromThread, type FromThread, type ThreadData } from './thread.ts'
import { wireClient } from './wire-client.ts'

const STANDS_STILL_MS = 1_000
const BEAT_EVERY_MS = 2_500
const LIMIT_MS = 3_000

/** Bundlers that keep the names of functions call this in their texts. */
const SOURCE = `const __name = (made) => made; (${String(keepFromThread)})(${String(wireClient)})`

export interface HeartbeatParts {
  readonly connection: Pick<Connection, 'unconnected'>
  readonly tables: Tables
  readonly queues: readonly string[]
  /** Called once, when claims can be kept from the main thread only, with the reason. */
  onUnavailable(why: string): void
}

export async function startHeartbeats(parts: HeartbeatParts): Promise<Heartbeats> {
  try {
    return new ThreadedHeartbeats(parts, placeOf(await parts.connection.unconnected()))
  } catch (error) {
    parts.onUnavailable(safeTextOfError(error))
    return NONE
  }
}

const NONE: Heartbeats = {
  hold: () => undefined,
  release: () => undefined,
  pulse: () => undefined,
  stop: async () => undefined,
}

class ThreadedHeartbeats implements Heartbeats {
  readonly #parts: HeartbeatParts
  readonly #place: Place
  readonly #claims: SharedClaims
  #thread: Worker | null = null
  #isOver = false
  /** What fails after it has connected once is an outage, which is reported elsewhere. */
  #isReported = false

  constructor(parts: HeartbeatParts, place: Place) {
    this.#parts = parts
    this.#place = place
    this.#claims = new SharedClaims(parts.queues)
  }

  hold(claims: readonly HeldClaim[]): void {
    if (this.#isOver || claims.length === 0) return
    for (const claim of claims) this.#claims.hold(claim)
    if (!this.#thread) this.#start()
  }

  release(deliveries: readonly ClaimedDelivery[]): void {
    for (const delivery of deliveries) this.#claims.release(delivery)
  }

  pulse(): void {
    this.#claims.pulse()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#thread?.terminate()
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
    const { queues, tables } = this.#parts
    return {
      memory: this.#claims.memory,
      layout: LAYOUT,
      place: this.#place,
      queues,
      begin: sharedSessionBegin(LIMIT_MS),
      keepFunction: functionName(tables, 'keep'),
      recoverFunction: functionName(tables, 'recover_silent'),
      standsStillMs: STANDS_STILL_MS,
      beatEveryMs: BEAT_EVERY_MS,
      limitMs: LIMIT_MS,
    }
  }

  #hear(said: FromThread): void {
    if (said.is === 'connected') this.#isReported = true
    else void this.#showTheWay(said.why)
  }

  /** A password may have changed meanwhile, or the server have moved. */
  async #showTheWay(why: string): Promise<void> {
    this.#report(why)
    try {
      this.#thread?.postMessage(placeOf(await this.#parts.connection.unconnected()))
    } catch {
      // The next failure asks again.
    }
  }

  #giveUp(why: string): void {
    if (!this.#isOver) this.#report(why)
    this.#isOver = true
  }

  #report(why: string): void {
    if (!this.#isReported) this.#parts.onUnavailable(why)
    this.#isReported = true
  }
}
