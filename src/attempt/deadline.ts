/** Runs a handler against the clock: when its time is over its signal is aborted, and the attempt counts as failed. */
import { clearTimeout, setTimeout } from '../clock.ts'
import { PostbusError } from '../errors.ts'

/** How long after its signal was aborted a handler may take to return before it is reported. */
const OVERDUE_AFTER_MS = 5_000

export interface Deadline {
  readonly timeoutMs: number
  readonly abort: AbortController
  /** Called once if the handler ignores its signal. */
  onOverdue(): void
}

/**
 * Waits for the handler to return, however long it takes: as long as it runs, its claim is kept, so that it cannot
 * overlap with its own next attempt. What it answers after its time is over is not believed.
 */
export async function underDeadline<Result>(
  deadline: Deadline,
  handler: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const { abort, timeoutMs } = deadline
  let timeout: PostbusError | undefined // made when it is needed: an error for each attempt was an eighth of a worker's time
  const timer = setTimeout(() => {
    timeout = new PostbusError('POSTBUS_HANDLER_TIMEOUT', `Handler "${handler}" took longer than ${timeoutMs} ms.`)
    abort.abort(timeout)
  }, timeoutMs)
  const overdueTimer = setTimeout(() => deadline.onOverdue(), timeoutMs + OVERDUE_AFTER_MS)
  try {
    const result = await work()
    if (timeout && abort.signal.reason === timeout) throw timeout
    return result
  } catch (error) {
    throw timeout && abort.signal.reason === timeout && error !== timeout ? withCause(timeout, error) : error
  } finally {
    clearTimeout(timer)
    clearTimeout(overdueTimer)
  }
}

function withCause(timeout: PostbusError, error: unknown): PostbusError {
  return new PostbusError(timeout.code, timeout.message, { cause: error })
}
