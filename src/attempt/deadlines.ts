/** Runs handlers against the clock: when its time is over, a handler's signal is aborted, and the attempt counts as failed. */
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Answer } from './handler-call.ts'

/** How long after its signal was aborted a handler may take to return before it is reported. */
const OVERDUE_AFTER_MS = 5_000

interface Watched {
  readonly handler: AnyHandler
  readonly abort: AbortController
}

/**
 * The deadlines of all handlers that run. Those with the same time limit end in the order in which they began, so there is
 * one timer for each limit, set for the oldest: two timers per attempt took a twentieth of a worker's time.
 */
export class Deadlines {
  readonly #byLimit = new Map<number, SameLimit>()

  /** A handler begins now. `onOverdue` is called once, if it ignores its signal after its time is over. */
  start(watched: Watched, onOverdue: () => void): Deadline {
    const { timeoutMs } = watched.handler.options
    let same = this.#byLimit.get(timeoutMs)
    if (!same) this.#byLimit.set(timeoutMs, (same = new SameLimit(timeoutMs)))
    return same.start(watched, onOverdue)
  }
}

/** Deadlines with one limit, oldest first. */
class SameLimit {
  readonly #limitMs: number
  readonly #running = new Set<Deadline>()
  #timer: NodeJS.Timeout | undefined
  /** Whose time is over when the timer fires. */
  #timed: Deadline | undefined

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  start(watched: Watched, onOverdue: () => void): Deadline {
    const deadline = new Deadline(this, watched, performance.now() + this.#limitMs, onOverdue)
    this.#running.add(deadline)
    if (this.#timer === undefined) this.#setTimer(deadline, this.#limitMs)
    return deadline
  }

  /** The timer stays for as long as something runs: it keeps the process alive for that, and no longer. */
  remove(deadline: Deadline): void {
    this.#running.delete(deadline)
    if (this.#running.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #setTimer(deadline: Deadline, ms: number): void {
    clearTimeout(this.#timer)
    this.#timed = deadline
    this.#timer = setTimeout(() => this.#look(), ms)
  }

  #look(): void {
    this.#timer = undefined
    const timed = this.#timed
    const now = performance.now()
    for (const deadline of this.#running) {
      const leftMs = deadline !== timed ? deadline.at - now : 0
      if (leftMs > 0) return this.#setTimer(deadline, leftMs)
      this.#running.delete(deadline)
      deadline.pass()
    }
  }
}

/** The deadline of one handler that runs. */
export class Deadline {
  /** `performance.now()` when its time is over. */
  readonly at: number
  readonly #list: SameLimit
  readonly #watched: Watched
  readonly #onOverdue: () => void
  /** Made when it is needed: an error for each attempt was an eighth of a worker's time. */
  #timeout: PostbusError | null = null
  #overdue: NodeJS.Timeout | undefined

  constructor(list: SameLimit, watched: Watched, at: number, onOverdue: () => void) {
    this.#list = list
    this.#watched = watched
    this.at = at
    this.#onOverdue = onOverdue
  }

  /**
   * The handler's time is over. It is waited for, however long it takes: as long as it runs, its claim is kept, so that it
   * cannot overlap with its own next attempt.
   */
  pass(): void {
    const { handler, abort } = this.#watched
    const limit = `${handler.options.timeoutMs} ms`
    this.#timeout = new PostbusError('POSTBUS_HANDLER_TIMEOUT', `Handler "${handler.name}" took longer than ${limit}.`)
    this.#overdue = setTimeout(this.#onOverdue, OVERDUE_AFTER_MS)
    abort.abort(this.#timeout)
  }

  /** The handler has answered. What it answers after its time is over is not believed. */
  end(answer: Answer): Answer {
    this.#list.remove(this)
    const timeout = this.#timeout
    if (!timeout) return answer
    clearTimeout(this.#overdue)
    if (this.#watched.abort.signal.reason !== timeout) return answer // it was ended for another reason before
    return { threw: true, error: answer.threw && answer.error !== timeout ? withCause(timeout, answer.error) : timeout }
  }
}

function withCause(timeout: PostbusError, error: unknown): PostbusError {
  return new PostbusError(timeout.code, timeout.message, { cause: error })
}
