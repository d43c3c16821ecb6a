/**
 * Does a worker's work for handlers that read the log: three loops, beside its dispatchers.
 *
 *   beat, every second     leases of shards, pauses, held jobs
 *   read                   the log, once for all handlers; an event that was read runs, or goes behind its lane
 *   acknowledge, in groups cursors move on; what failed becomes an ordinary delivery, which any worker's dispatcher claims
 */
import { randomUUID } from 'node:crypto'
import { sleep } from '../../clock.ts'
import type { RunningEngine } from '../../deliveries/log-engine.ts'
import type { LogStore } from '../../deliveries/log-reading.ts'
import { laneKey } from '../../deliveries/lane-key.ts'
import type { Emit } from '../../signals.ts'
import { QueueSignals } from '../queue-signals.ts'
import { Acknowledger } from './acknowledger.ts'
import { drainLog } from './drain-log.ts'
import { admitPassed } from './change-zone.ts'
import { admitHeld } from './held-lanes.ts'
import { BEAT_MS, DEAD_AFTER_MS, Leases } from './leases.ts'
import { LogReading } from './log-reader.ts'
import { Runs, type RunParts } from './runs.ts'
import type { Handling, Shard } from './shard.ts'

/** An event given back at a stop is due again after this time. By then this process has ended, even if the handler never returned. */
const GIVE_BACK_MS = 500
const IDLE_LOOK_MS = 5

export interface LogWorkerParts extends Pick<RunParts, 'attempt' | 'batchAttempts' | 'tally'> {
  readonly store: LogStore
  readonly handlings: readonly Handling[]
  readonly types: readonly string[] | null
  readonly pollMs: number
  readonly emit: Emit
  /** Opens the engine. `null`, or no such function: the log is read from Postgres. */
  engine?(onProgress: () => void): RunningEngine | null
  /** How often the worker beats, and after how long without a beat it counts as dead. Defaults: 1 s and 8 s. */
  readonly beatMs?: number
  readonly deadAfterMs?: number
  /** Called when there will be something to claim from this queue after this delay. */
  wakeAfter(queue: string, delayMs: number): void
}

export class LogWorker {
  readonly #parts: LogWorkerParts
  readonly #reader = randomUUID()
  readonly #over = new AbortController()
  #isStarted = false
  readonly #leases: Leases
  readonly #runs: Runs
  readonly #reading: LogReading
  readonly #engine: RunningEngine | null
  readonly #acknowledger: Acknowledger
  #pausedLanes: ReadonlySet<string> = new Set()
  #isStopping = false
  #loops: Promise<unknown> = Promise.resolve()

  constructor(parts: LogWorkerParts) {
    const { store, handlings, emit } = parts
    const signals = new QueueSignals('the log', emit)
    this.#parts = parts
    this.#runs = new Runs(
      {
        ...parts,
        reader: this.#reader,
        deliveryId: (seq, handler) => store.deliveryId(seq, handler),
        mayBegin: () => !this.#isStopping && this.#leases.isFresh,
        onEnded: () => this.#acknowledger.count(),
      },
      handlings,
    )
    for (const { slots } of handlings) slots.onTurn(() => this.#runs.pump())
    this.#leases = new Leases({
      store,
      reader: this.#reader,
      handlings,
      deadAfterMs: parts.deadAfterMs ?? DEAD_AFTER_MS,
      onLost: (shard) => this.#lost(shard),
      isRunning: (shard) => this.#runs.isRunning(shard),
    })
    this.#acknowledger = new Acknowledger({
      store,
      reader: this.#reader,
      signals,
      shards: () => this.#shards(),
      life: () => this.#reading.life,
      onLost: (shard) => this.#lost(shard),
      onReleased: (shard) => this.#forget(shard),
      onAcknowledged: () => {
        this.#reading.roomIsMade()
        void admitPassed(this.#shards(), store).catch(() => undefined) // the next heartbeat releases the rest
      },
      onDue: (queue, delayMs) => parts.wakeAfter(queue, delayMs),
    })
    this.#engine = parts.engine?.(() => this.#reading.wake()) ?? null
    const { look, read } = this.#engine ?? store
    this.#reading = new LogReading({
      ...parts,
      store: { ...store, look, read },
      isLanePaused: (handling, key) => this.#isPaused(handling, key),
      add: (shard, event, goesBehind) => {
        const entry = shard.take(event, goesBehind || this.#isPaused(shard.handling, event.partitionKey))
        if (entry.state === 'queued') this.#runs.add(entry)
      },
      onRead: () => this.#runs.pump(),
      onCrash: () => this.#loseAll(),
    })
  }

  start(): void {
    this.#isStarted = true
    this.#engine?.start()
    this.#loops = Promise.all([this.#keepBeating(), this.#keepReading(), this.#acknowledger.run()])
  }

  /** For a drain, instead of `start()`: turns events of the log into deliveries. Returns how many deliveries that were. */
  drain(): Promise<number> {
    return drainLog(this.#parts)
  }

  /** There may be something to read. */
  wake(): void {
    if (this.#engine) this.#engine.wake()
    else this.#reading.wake()
  }

  /** Stops reading and beginning events. Running handlers go on. */
  stopReading(): void {
    this.#isStopping = true
    this.#leases.isStopping = true
    for (const shard of this.#shards()) shard.isReleasing = true
  }

  /** Resolves when everything that was begun has ended, and is written, and all shards are released. */
  async idle(): Promise<void> {
    while (!this.#over.signal.aborted && [...this.#shards()].length > 0) await sleep(IDLE_LOOK_MS, this.#over.signal)
  }

  /** Gives back what still runs, without using an attempt, and aborts its handlers. Returns how many there were. */
  async giveBack(): Promise<number> {
    let count = 0
    for (const shard of this.#shards()) count += this.#runs.giveBack(shard, GIVE_BACK_MS)
    await this.idle()
    return count
  }

  /** Gives up all shards. What is not written by now is left to the next owner. */
  async leave(): Promise<void> {
    this.#over.abort()
    this.#acknowledger.giveUp()
    this.#reading.wake()
    if (!this.#isStarted) return
    await Promise.all([this.#loops.catch(() => undefined), this.#engine?.close()])
    await this.#parts.store.leave(this.#reader).catch(() => undefined) // then other workers will take this one for dead
  }

  *#shards(): Generator<Shard> {
    for (const { shards } of this.#parts.handlings) yield* shards.values()
  }

  async #keepBeating(): Promise<void> {
    const { store, handlings } = this.#parts
    while (!this.#over.signal.aborted) {
      try {
        const { pauses } = await this.#leases.beat()
        this.#learnPauses(pauses)
        await this.#goOnChanging()
        if (!this.#isStopping) await admitHeld({ store, handlings, runs: this.#runs })
        this.#reading.wake()
        this.#runs.pump()
      } catch {
        // Claims report an unreachable database. Without answered beats, nothing more begins after a while.
      }
      await sleep(this.#parts.beatMs ?? BEAT_MS, this.#over.signal)
    }
  }

  /** Any worker can take the next step of a change. */
  async #goOnChanging(): Promise<void> {
    const { store, handlings } = this.#parts
    for (const { subscription } of handlings) {
      if (!subscription.isChanging) continue
      while (await store.change(subscription.handler)) if (this.#over.signal.aborted) return
    }
  }

  async #keepReading(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted && !this.#isStopping) {
      const waitMs = await this.#reading.step().catch(() => BEAT_MS)
      await this.#reading.wait(waitMs)
    }
  }

  #learnPauses(pauses: readonly { readonly kind: string; readonly name: string }[]): void {
    const named = (kind: string) => new Set(pauses.filter((one) => one.kind === kind).map(({ name }) => name))
    const [paused, queues] = [named('handler'), named('queue')]
    this.#pausedLanes = named('lane')
    for (const handling of this.#parts.handlings) {
      const { subscription, handler, shards } = handling
      handling.isPaused = paused.has(subscription.handler) || queues.has(handler.options.queue)
      for (const shard of shards.values()) this.#pauseKeys(shard)
    }
  }

  /** A paused key's events go into its lane, where claims park them behind the pause. */
  #pauseKeys(shard: Shard): void {
    for (const key of shard.keys.values()) {
      if (!key.inLane && this.#isPaused(shard.handling, key.name)) shard.toLane(key)
    }
  }

  #isPaused({ subscription }: Handling, partitionKey: string | null): boolean {
    if (this.#pausedLanes.size === 0 || partitionKey === null) return false
    return this.#pausedLanes.has(laneKey({ handler: subscription.handler, partitionKey }))
  }

  #loseAll(): void {
    for (const shard of this.#shards()) this.#lost(shard) // our next beat takes them back
  }

  #lost(shard: Shard): void {
    const { handling, cursor } = shard
    this.#runs.drop(shard)
    this.#forget(shard)
    const message = `Shard ${cursor.shard} of "${handling.handler.name}" was lost to another worker; what ran of it may run again.`
    this.#parts.emit('warn', 'log.lost', message, { handler: handling.handler.name, shard: cursor.shard })
  }

  #forget({ handling, cursor }: Shard): void {
    handling.shards.delete(cursor.shard)
  }
}
