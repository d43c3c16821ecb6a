/**
 * Acknowledges events that were read: moves cursors past events that are done, and writes the others as jobs. There is one call at a time,
 * for all shards. A call without an answer is sent again unchanged, which does nothing twice.
 *
 * A group is what has ended since the last call: at most 50 ms, or 500 events. If the process dies, that much is repeated.
 */
import { performance } from '../../clock.ts'
import type { LogEvent, LogMove, LogStore } from '../../deliveries/log-reading.ts'
import { needsTransaction } from '../../handlers/transactional.ts'
import { partitionedQueue } from '../../names.ts'
import { Gate } from '../gate.ts'
import type { QueueSignals } from '../queue-signals.ts'
import { retryDelays } from '../retry-delays.ts'
import type { Entry, Shard } from './shard.ts'

export const GROUP_MS = 50
export const GROUP_SIZE = 500
/** A cursor moves this often even if none of its events was handled: events that it has not passed are not pruned, and not known to be done. */
const IDLE_MS = 500
/** A run that takes longer does not hold up the cursor: it gets a job, which is held until it ends. */
const SPILLED_AFTER_MS = 250
/** Batches get more time: a slow one makes many jobs at once, and later events of its keys would have to go behind them. */
const BATCH_SPILLED_AFTER_MS = 5_000

export interface AcknowledgerParts {
  readonly store: Pick<LogStore, 'acknowledge' | 'deliveryId' | 'release'>
  readonly reader: string
  readonly signals: QueueSignals
  shards(): Iterable<Shard>
  /** Returns the life of the server in which the events were read. */
  life(): string | null
  /** Called when the database says that a shard is no longer ours. */
  onLost(shard: Shard): void
  onReleased(shard: Shard): void
  /** The database has answered. */
  onAcknowledged(): void
  /** Called when a delivery in this queue will be due after this delay. */
  onDue(queue: string, delayMs: number): void
}

/** What one call reports about a shard, with the entries to update when the answer comes. */
interface Sent {
  readonly shard: Shard
  readonly move: LogMove
  readonly passed: readonly Entry[]
  readonly ends: readonly Entry[]
}

export class Acknowledger {
  readonly #parts: AcknowledgerParts
  readonly #over = new AbortController()
  readonly #isWanted = new Gate()
  #ended = 0
  #idleSince = 0
  #isSending = false

  constructor(parts: AcknowledgerParts) {
    this.#parts = parts
  }

  /** One more has ended. */
  count(): void {
    this.#ended += 1
    if (this.#ended === GROUP_SIZE) this.#isWanted.open()
  }

  /** Whether nothing is left to report. */
  get isIdle(): boolean {
    if (this.#isSending) return false
    for (const { pending, ends } of this.#parts.shards()) if (pending.length > 0 || ends.length > 0) return false
    return true
  }

  async run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#isWanted.wait(GROUP_MS)
      await this.#acknowledge()
    }
  }

  /** Stops trying. */
  giveUp(): void {
    this.#over.abort()
    this.#isWanted.open()
  }

  async #acknowledge(): Promise<void> {
    this.#ended = 0
    const now = performance.now()
    const isIdleTurn = now - this.#idleSince >= IDLE_MS
    if (isIdleTurn) this.#idleSince = now
    const sent: Sent[] = []
    for (const shard of this.#parts.shards()) {
      if (shard.isReleasing && !shard.isBusy) shard.finish()
      const one = this.#moveOf(shard, now)
      const isWritten =
        one !== null &&
        (one.passed.length > 0 || one.ends.length > 0 || shard.held.length > 0 || shard.isReleasing || isIdleTurn)
      if (isWritten) sent.push(one)
    }
    if (sent.length > 0) await this.#send(sent)
    await this.#releaseFinished()
  }

  /** Returns what can be reported about a shard now; `null`: nothing. */
  #moveOf(shard: Shard, now: number): Sent | null {
    if (shard.isDropped || !shard.isReady) return null
    const passed: Entry[] = []
    for (const entry of shard.pending) {
      if (entry.state === 'queued') break
      if (entry.state === 'running') {
        if (now - entry.since < spilledAfterMs(entry)) break
        spill(entry)
      }
      passed.push(entry)
    }
    const next = shard.pending[passed.length]
    const to = next ? Math.max(shard.acknowledged, next.event.number - 1) : shard.readTo
    const ends = [...shard.ends]
    if (to === shard.acknowledged && passed.length === 0 && ends.length === 0) return null
    const { handler } = shard.handling.subscription
    const idOf = ({ seq }: LogEvent) => this.#parts.store.deliveryId(seq, handler)
    return { shard, passed, ends, move: moveTo(shard, { to, passed, ends, now, idOf }) }
  }

  async #send(sent: readonly Sent[]): Promise<void> {
    const { store, reader, signals } = this.#parts
    const life = this.#parts.life()
    this.#isSending = true
    const delays = retryDelays(this.#over.signal)
    const inOrder = sent.toSorted((one, other) => compare(one.move, other.move))
    while (!this.#over.signal.aborted) {
      try {
        const ours = await store.acknowledge(
          reader,
          inOrder.map(({ move }) => move),
          life,
        )
        signals.databaseAnswered()
        for (const [place, one] of inOrder.entries()) this.#answered(one, ours.has(place))
        break
      } catch (error) {
        signals.databaseFailed(error)
        await delays.next()
      }
    }
    this.#isSending = false
    this.#parts.onAcknowledged()
  }

  #answered({ shard, move, passed, ends }: Sent, isOurs: boolean): void {
    if (shard.isDropped) return
    if (!isOurs) return this.#parts.onLost(shard)
    shard.acknowledged = move.to
    shard.pending.splice(0, passed.length)
    if (ends.length > 0) shard.ends = shard.ends.filter((entry) => !ends.includes(entry))
    for (const entry of passed) this.#written(entry)
    for (const entry of [...passed, ...ends]) this.#tellDue(entry)
  }

  #written({ shard, key, state }: Entry): void {
    if (key === null) return
    if (state !== 'done') key.unwritten -= 1
    shard.forget(key)
  }

  #tellDue({ shard, key, end, endedAt }: Entry): void {
    if (end?.is !== 'retry' && end?.is !== 'later') return
    const { queue } = shard.handling.handler.options
    const leftMs = Math.max(0, end.delayMs - (performance.now() - endedAt))
    this.#parts.onDue(key === null ? queue : partitionedQueue(queue), leftMs)
  }

  async #releaseFinished(): Promise<void> {
    const { store, reader, onReleased } = this.#parts
    const finished = [...this.#parts.shards()].filter(
      ({ isReleasing, isDropped, isBusy, pending, ends, acknowledged, readTo }) =>
        isReleasing && !isDropped && !isBusy && pending.length === 0 && ends.length === 0 && acknowledged === readTo,
    )
    if (finished.length === 0) return
    // One that cannot be released now is released at the next turn.
    const isReleased = await store
      .release(
        reader,
        finished.map(({ cursor }) => cursor),
      )
      .then(
        () => true,
        () => false,
      )
    if (isReleased) for (const shard of finished) onReleased(shard)
  }
}

interface Moving {
  readonly to: number
  readonly now: number
  /** The id that the delivery of an event has, or would have. */
  idOf(event: LogEvent): string
}

function moveTo(shard: Shard, { to, passed, ends, now, idOf }: Omit<Sent, 'shard' | 'move'> & Moving): LogMove {
  const { handler } = shard.handling
  const jobs = passed.filter(({ state }) => state !== 'done')
  const ended = [...passed.filter(({ state }) => state === 'ended'), ...ends]
  return {
    cursor: shard.cursor,
    from: shard.acknowledged,
    to,
    jobs: jobs.map(({ event, state }) => ({
      seq: event.number,
      isHeld: state !== 'behind',
      replay: shard.handling.replayOf(event),
    })),
    ended: ended.flatMap((entry) => (entry.end ? [endedAs(entry, now)] : [])),
    completed: needsTransaction(handler) ? [...passed, ...ends].filter(isRun).map(({ event }) => idOf(event)) : [],
    passed: passed.flatMap(({ event, passed: as }) => (as ? [{ seq: event.number, ...as }] : [])),
  }
}

function isRun({ state }: Entry): boolean {
  return state !== 'behind'
}

function endedAs({ event, key, end, endedAt }: Entry, now: number): LogMove['ended'][number] {
  const left =
    end?.is === 'retry' || end?.is === 'later' ? { ...end, delayMs: Math.max(0, end.delayMs - (now - endedAt)) } : end
  return { seq: event.number, inLane: key !== null, end: left ?? { is: 'done' } }
}

function spilledAfterMs({ shard }: Entry): number {
  return shard.handling.handler.batch ? BATCH_SPILLED_AFTER_MS : SPILLED_AFTER_MS
}

/** Has the event's job written while it runs: held, in its lane, so that later events of the key go behind it. */
function spill(entry: Entry): void {
  entry.state = 'spilled'
  if (entry.key === null) return
  entry.key.unwritten += 1
  entry.shard.toLane(entry.key)
}

function compare({ cursor: one }: LogMove, { cursor: other }: LogMove): number {
  return one.handler === other.handler ? one.shard - other.shard : one.handler < other.handler ? -1 : 1
}
