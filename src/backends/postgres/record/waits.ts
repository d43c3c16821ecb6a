/**
 * Waiting for the end of events. All waits of a process are looked after together, whatever their number: one connection that
 * LISTENs, one statement that looks, one that says which events are watched.
 *
 *   wait ──► looked at ──► finished? resolved
 *                 │ no
 *                 ▼
 *             watched: a settle of it notifies ──► looked at again
 *
 * Between a look and the moment in which the event is watched, its end may pass unheard. So what is newly watched is looked at once
 * more; and everything is looked at every two seconds, for a settle that had begun before, and for connections that are lost.
 */
import { clearTimeout, performance, setTimeout } from '../../../clock.ts'
import { PostbusError } from '../../../errors.ts'
import type { CheckedWaitOptions } from '../../../record/wait-options.ts'
import { newEventId } from '../../../events/event-id.ts'

const LOOK_EVERY_MS = 2_000

/** What looking at some events has found. */
export interface Found<Status> {
  /** By id. Set when the event, and what is waited for with it, is finished. */
  readonly finished: ReadonlyMap<string, Status>
  /** By id: the seqs of what has yet to end. Nothing stands here for an event that is not stored. */
  readonly unfinished: ReadonlyMap<string, readonly string[]>
}

export interface WaitParts<Status> {
  look(ids: readonly string[], includeCaused: boolean): Promise<Found<Status>>
  /** Settles of these events notify from now on, until `unwatch` or `forMs` from now. */
  watch(waiter: string, seqs: readonly string[], forMs: number): Promise<void>
  unwatch(waiter: string, seqs: readonly string[]): Promise<void>
  /** Calls back with the seqs of events of which something has ended. */
  listen(onEnd: (seqs: readonly string[] | 'some') => void): { close(): Promise<void> }
}

interface Wait<Status> {
  readonly id: string
  readonly includeCaused: boolean
  readonly resolve: (status: Status) => void
  readonly reject: (error: unknown) => void
  /** What it is waiting for, once that is known. */
  seqs: readonly string[]
  isDue: boolean
}

export class Waits<Status> {
  readonly #parts: WaitParts<Status>
  readonly #waiter = newEventId()
  readonly #waits = new Set<Wait<Status>>()
  readonly #watched = new Map<string, number>()
  #listening: { close(): Promise<void> } | null = null
  #poll: NodeJS.Timeout | undefined
  #looking: Promise<void> | null = null
  #isClosed = false

  constructor(parts: WaitParts<Status>) {
    this.#parts = parts
  }

  async until(id: string, { timeoutMs, signal, includeCaused }: CheckedWaitOptions): Promise<Status> {
    if (this.#isClosed) throw closed()
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Status>()
    const wait: Wait<Status> = { id, includeCaused, resolve, reject, seqs: [], isDue: true }
    const timer = setTimeout(() => reject(timeout(id, timeoutMs)), timeoutMs)
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
      this.#lookSoon() // it may have been the last one
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
      if (this.#isClosed) return
      if (this.#waits.size > 0 && [...this.#waits].some(({ isDue }) => isDue)) this.#lookSoon()
    })
  }

  async #lookAtAll(): Promise<void> {
    await Promise.resolve() // what begins to wait in the same turn is looked at together
    if (this.#waits.size === 0) return this.#rest()
    this.#listening ??= this.#parts.listen((seqs) => this.#heard(seqs))
    this.#poll ??= setTimeout(() => this.#everyNowAndThen(), LOOK_EVERY_MS)
    const due = [...this.#waits].filter(({ isDue }) => isDue)
    for (const wait of due) wait.isDue = false
    try {
      for (const includeCaused of [false, true]) {
        await this.#lookAt(
          due.filter((wait) => wait.includeCaused === includeCaused),
          includeCaused,
        )
      }
    } catch (error) {
      for (const wait of due) if (isFinal(error)) wait.reject(error)
      // A database that does not answer now may answer at the next look, or the wait times out.
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
      if (isNew.length > 0) wait.isDue = true // once more, when it is watched
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
    if ([...this.#waits].some(({ isDue }) => isDue)) this.#lookSoon()
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
    if (gone.length > 0) void this.#parts.unwatch(this.#waiter, gone).catch(() => undefined) // they pass by themselves
    for (const wait of this.#waits) wait.isDue = true
    this.#lookSoon()
  }

  /** Nobody waits: the connection is given back. */
  async #rest(): Promise<void> {
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

/** Longer than anything that is looked at every two seconds; what a killed process has watched is forgotten after it. */
const WATCH_MS = 600_000

function isFinal(error: unknown): boolean {
  return error instanceof PostbusError && error.code.startsWith('POSTBUS_SCHEMA')
}

function timeout(id: string, timeoutMs: number): PostbusError {
  return new PostbusError(
    'POSTBUS_WAIT_TIMEOUT',
    `Event ${id} was not finished within ${timeoutMs} ms. See what it waits for: npx postbus events show ${id}`,
  )
}

function closed(): PostbusError {
  return new PostbusError('POSTBUS_CLOSED', 'This bus was closed while something waited for an event.')
}
