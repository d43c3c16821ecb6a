/** Gives handlers a time limit: when a handler's time is over, its signal is aborted, and the attempt counts as failed. */
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Answer } from './handler-call.ts'

/** A handler that has not returned this long after its signal was aborted is reported. */
const OVERDUE_AFTER_MS = 5_000

interface Watched {
  readonly handler: AnyHandler
  readonly abort: AbortController
}

/**
 * The deadlines of all running handlers. Deadlines with the same time limit pass in the order in which they began, so there is one
 * timer for each limit, set for the oldest deadline: two timers per attempt took a twentieth of a worker's time.
 */
export class Deadlines {
  readonly #byLimit = new Map<number, SameLimit>()

  /** A handler has begun. `onOverdue` is called once, if it ignores its signal after its time is over. `began`: by `performance.now()`. */
  start(watched: Watched, onOverdue: () => void, began = performance.now()): Deadline {
    const { timeoutMs } = watched.handler.options
    let same = this.#byLimit.get(timeoutMs)
    if (!same) this.#byLimit.set(timeoutMs, (same = new SameLimit(timeoutMs)))
    return same.start(watched, onOverdue, began)
  }
}

/** Deadlines with one limit, oldest first. */
class SameLimit {
  readonly #limitMs: number
  readonly #running = new Set<Deadline>()
  #timer: NodeJS.Timeout | undefined
  /** The deadline that passes when the timer fires. */
  #timed: Deadline | undefined

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  start(watched: Watched, onOverdue: () => void, began: number): Deadline {
    const deadline = new Deadline(this, watched, began + this.#limitMs, onOverdue)
    this.#running.add(deadline)
    if (this.#timer === undefined) this.#setTimer(deadline, Math.max(0, deadline.at - performance.now()))
    return deadline
  }

  /** The timer stays while a handler runs within its time. It keeps the process alive for that long, and no longer. */
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
   * The handler's time is over. The worker still waits for the handler, however long it takes, and keeps its claim, so that the
   * handler cannot overlap with its own next attempt.
   */
  pass(): void {
    const { handler, abort } = this.#watched
    const limit = `${handler.options.timeoutMs} ms`
    this.#timeout = new PostbusError('POSTBUS_HANDLER_TIMEOUT', `Handler "${handler.name}" took longer than ${limit}.`)
    this.#overdue = setTimeout(this.#onOverdue, OVERDUE_AFTER_MS)
    abort.abort(this.#timeout)
  }

  /** The handler has returned or thrown. After its deadline the answer is a timeout; an error that it threw becomes the cause. */
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
