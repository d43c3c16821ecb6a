/**
 * Waits for the end of events. All waits of a bus share one connection that LISTENs, one statement that looks, and one that stores
 * which events are watched.
 *
 *   wait ──► looked at ──► finished? resolved
 *                 │ no
 *                 ▼
 *             watched: a settle of it notifies ──► looked at again
 *
 * An event may end between the look and the moment when it is watched: that end is not heard. So a newly watched event is looked at once
 * more. Everything is looked at every two seconds, in case a settle had begun before the watch, or the connection is lost.
 */
import { clearTimeout, performance, setTimeout } from '../../../clock.ts'
import { PostbusError } from '../../../errors.ts'
import type { CheckedWaitOptions } from '../../../record/wait-options.ts'
import { newEventId } from '../../../events/event-id.ts'

const LOOK_EVERY_MS = 2_000

/** The result of a look at some events. */
export interface Found<Status> {
  /** By id: the events that are finished, together with all events that they caused, if these are waited for too. */
  readonly finished: ReadonlyMap<string, Status>
  /** By id: the seqs of the events that have not ended yet. An event that is not stored has no entry. */
  readonly unfinished: ReadonlyMap<string, readonly string[]>
}

export interface WaitParts<Status> {
  look(ids: readonly string[], includeCaused: boolean): Promise<Found<Status>>
  /** Settles of these events notify from now on, until `unwatch` or `forMs` from now. */
  watch(waiter: string, seqs: readonly string[], forMs: number): Promise<void>
  unwatch(waiter: string, seqs: readonly string[]): Promise<void>
  /** Calls back with the seqs of events at which a delivery has ended. `some`: it is not known which. */
  listen(onEnd: (seqs: readonly string[] | 'some') => void): { close(): Promise<void> }
}

interface Wait<Status> {
  readonly id: string
  readonly includeCaused: boolean
  readonly resolve: (status: Status) => void
  readonly reject: (error: unknown) => void
  /** The seqs of the events that it waits for, once they are known. */
  seqs: readonly string[]
  isDue: boolean
}

export class Waits<Status> {
  readonly #parts: WaitParts<Status>
  readonly #lookEveryMs: number
  readonly #waiter = newEventId()
  readonly #waits = new Set<Wait<Status>>()
  readonly #watched = new Map<string, number>()
  #listening: { close(): Promise<void> } | null = null
  #poll: NodeJS.Timeout | undefined
  #looking: Promise<void> | null = null
  /** Set at the regular look if nothing is waited for: the connection can be given back. */
  #isIdle = false
  /** Why the last look failed. */
  #trouble: unknown
  #isClosed = false

  constructor(parts: WaitParts<Status>, lookEveryMs: number = LOOK_EVERY_MS) {
    this.#parts = parts
    this.#lookEveryMs = lookEveryMs
  }

  async until(id: string, { timeoutMs, signal, includeCaused }: CheckedWaitOptions): Promise<Status> {
    if (this.#isClosed) throw closed()
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Status>()
    const wait: Wait<Status> = { id, includeCaused, resolve, reject, seqs: [], isDue: true }
    const timer = setTimeout(() => reject(timeout(id, timeoutMs, this.#trouble)), timeoutMs)
    const onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    this.#waits.add(wait)
    this.#lookSoon()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      this.#waits.delete(wait)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const { reject } of this.#waits) reject(closed())
    await this.#looking
    await this.#rest()
  }

  #lookSoon(): void {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = null
      if (!this.#isClosed && (this.#isIdle || this.#isAnyDue())) this.#lookSoon()
    })
  }

  async #lookAtAll(): Promise<void> {
    await Promise.resolve() // waits that begin in the same turn are looked at together
    if (this.#waits.size === 0) return this.#isIdle ? this.#rest() : undefined
    this.#isIdle = false
    this.#listening ??= this.#parts.listen((seqs) => this.#heard(seqs))
    this.#poll ??= setTimeout(() => this.#everyNowAndThen(), this.#lookEveryMs)
    const due = [...this.#waits].filter(({ isDue }) => isDue)
    for (const wait of due) wait.isDue = false
    try {
      for (const includeCaused of [false, true]) {
        await this.#lookAt(
          due.filter((wait) => wait.includeCaused === includeCaused),
          includeCaused,
        )
      }
      this.#trouble = undefined
    } catch (error) {
      // A database that does not answer now may answer at the next look. If it does not, the wait times out, and says why.
      this.#trouble = error
      for (const wait of due) if (isFinal(error)) wait.reject(error)
    }
  }

  async #lookAt(waits: readonly Wait<Status>[], includeCaused: boolean): Promise<void> {
    if (waits.length === 0) return
    const { finished, unfinished } = await this.#parts.look([...new Set(waits.map(({ id }) => id))], includeCaused)
    const news: string[] = []
    for (const wait of waits) {
      const status = finished.get(wait.id)
      if (status !== undefined) wait.resolve(status)
      wait.seqs = unfinished.get(wait.id) ?? []
      const isNew = wait.seqs.filter((seq) => !this.#watched.has(seq))
      if (isNew.length > 0) wait.isDue = true // look once more after it is watched
      news.push(...isNew)
    }
    await this.#watch([...new Set(news)])
  }

  async #watch(seqs: readonly string[]): Promise<void> {
    if (seqs.length === 0) return
    await this.#parts.watch(this.#waiter, seqs, WATCH_MS)
    for (const seq of seqs) this.#watched.set(seq, performance.now())
  }

  #heard(seqs: readonly string[] | 'some'): void {
    const ended = seqs === 'some' ? null : new Set(seqs)
    for (const wait of this.#waits) {
      if (ended === null || wait.seqs.some((seq) => ended.has(seq))) wait.isDue = true
    }
    if (this.#isAnyDue()) this.#lookSoon()
  }

  #isAnyDue(): boolean {
    return [...this.#waits].some(({ isDue }) => isDue)
  }

  #everyNowAndThen(): void {
    this.#poll = undefined
    const wanted = new Set([...this.#waits].flatMap(({ seqs }) => seqs))
    const now = performance.now()
    const over = [...this.#watched]
      .filter(([seq, at]) => !wanted.has(seq) || at < now - WATCH_MS / 2)
      .map(([seq]) => seq)
    for (const seq of over) this.#watched.delete(seq)
    const gone = over.filter((seq) => !wanted.has(seq))
    if (gone.length > 0) void this.#parts.unwatch(this.#waiter, gone).catch(() => undefined) // a watch expires by itself
    for (const wait of this.#waits) wait.isDue = true
    this.#isIdle = this.#waits.size === 0
    this.#lookSoon()
  }

  /** Gives the connection back. Not called right after the last wait, because another wait may come soon. */
  async #rest(): Promise<void> {
    this.#isIdle = false
    clearTimeout(this.#poll)
    this.#poll = undefined
    const seqs = [...this.#watched.keys()]
    this.#watched.clear()
    const listening = this.#listening
    this.#listening = null
    if (seqs.length > 0) await this.#parts.unwatch(this.#waiter, seqs).catch(() => undefined)
    await listening?.close()
  }
}

/** How long a watch lasts: much longer than the time between two looks. The watches of a killed process expire after it. */
const WATCH_MS = 600_000

function isFinal(error: unknown): boolean {
  return error instanceof PostbusError && error.code.startsWith('POSTBUS_SCHEMA')
}

function timeout(id: string, timeoutMs: number, cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_WAIT_TIMEOUT',
    `Event ${id} was not finished within ${timeoutMs} ms. See what it waits for: npx postbus events show ${id}`,
    cause === undefined ? {} : { cause },
  )
}

function closed(): PostbusError {
  return new PostbusError('POSTBUS_CLOSED', 'This bus was closed while something waited for an event.')
}
