/**
 * Gathers the events that were read for a batch handler into batches: each event that may run, with the later ones of its key. A batch begins
 * when it is full, or `maxWaitMs` after its first event has come, as soon as there is a slot.
 */
import { clearTimeout, setTimeout } from '../../clock.ts'
import type { BatchMember } from '../../attempt/batch-member.ts'
import type { Batching } from '../../handlers/batching.ts'
import type { Fifo } from './fifo.ts'
import type { Entry } from './shard.ts'

export interface GatheringParts extends Batching {
  /** The events that may run, in order. Each key has at most one of them at a time. */
  readonly runnable: Fifo<Entry>
  /** Opens an event for the handler; `null` when the handler must not be called for it: the event then gets an attempt of its own. */
  open(entry: Entry): BatchMember | null
  /** Called when the gathered events no longer wait for more. */
  onDue(): void
}

export interface GatheredEntry extends BatchMember {
  readonly entry: Entry
}

export type NextRun =
  { readonly is: 'batch'; readonly members: readonly GatheredEntry[] } | { readonly is: 'alone'; readonly entry: Entry }

export class BatchGathering {
  readonly #parts: GatheringParts
  #gathered: GatheredEntry[] = []
  readonly #alone: Entry[] = []
  #timer: NodeJS.Timeout | undefined
  #isDue = false

  constructor(parts: GatheringParts) {
    this.#parts = parts
  }

  /** Nothing is gathered. */
  get isEmpty(): boolean {
    return this.#gathered.length === 0 && this.#alone.length === 0
  }

  /** Returns what to run now; `null`: nothing. */
  next(): NextRun | null {
    this.gather()
    const entry = this.#alone.shift()
    if (entry) return { is: 'alone', entry }
    const isReady = this.#gathered.length > 0 && (this.#isDue || !this.#hasRoom)
    return isReady ? { is: 'batch', members: this.#take() } : null
  }

  /** Takes the events that have come. The waiting time of a batch also runs while there is no slot for it. */
  gather(): void {
    this.#gathered = this.#gathered.filter(({ entry }) => isWaiting(entry))
    this.#fill()
    if (this.#gathered.length === 0) return this.#stopWaiting()
    this.#timer ??= setTimeout(() => {
      this.#isDue = true
      this.#parts.onDue()
    }, this.#parts.maxWaitMs).unref()
  }

  get #hasRoom(): boolean {
    return this.#gathered.length < this.#parts.batchSize
  }

  /** Takes later events of the keys that are in the batch first, and other events after them. */
  #fill(): void {
    const before = this.#gathered.slice()
    for (const { entry } of before) this.#takeBehind(entry)
    while (this.#hasRoom) {
      const entry = this.#parts.runnable.shift()
      if (!entry) return
      if (!isWaiting(entry)) continue
      if (this.#add(entry)) this.#takeBehind(entry)
      else this.#alone.push(entry)
    }
  }

  /** Takes the later events of the key, up to one that cannot be in a batch. */
  #takeBehind({ key }: Entry): void {
    if (key === null) return
    for (let next = key.queue[0]; next && this.#hasRoom && this.#add(next); next = key.queue[0]) key.queue.shift()
  }

  #add(entry: Entry): boolean {
    const member = this.#parts.open(entry)
    if (member) this.#gathered.push({ ...member, entry })
    return member !== null
  }

  #take(): readonly GatheredEntry[] {
    this.#stopWaiting()
    return this.#gathered.splice(0)
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = false
  }
}

/** Whether it may still begin: it was not put behind its lane meanwhile, and its shard is ours. */
export function isWaiting({ state, shard }: Entry): boolean {
  return state === 'queued' && !shard.isDropped && !shard.isReleasing
}
