/** Keeps the result of an expensive query for a few seconds, for all people who look at the page at once. */
import { performance, setTimeout } from '../clock.ts'

export interface Remembered<Value> {
  readonly value: Value
  /** How old it is, in milliseconds. */
  readonly ageMs: number
}

interface Times {
  /** A value older than this is fetched again. */
  readonly freshMs: number
  /** How long a page waits for a new value before it shows the older one. */
  readonly waitMs: number
  /** A value older than this is not shown any more. Default: a minute. */
  readonly keepMs?: number
}

/** How long a page waits when there is no older value. After that it says that the value is still being fetched. */
const FIRST_WAIT_MS = 150

/**
 * Calls `ask` only when a page needs the value, and only one call at a time. Returns `null` when there is no value yet. An error of `ask` is
 * remembered as well, so that the next page gets it.
 */
export function remembered<Value>(ask: () => Promise<Value>, { freshMs, waitMs, keepMs = 60_000 }: Times) {
  let known: { readonly outcome: () => Value; readonly atMs: number } | null = null
  let asking: Promise<void> | null = null

  return async (): Promise<Remembered<Value> | null> => {
    const isFresh = known !== null && performance.now() - known.atMs < freshMs
    if (known !== null && performance.now() - known.atMs > keepMs) known = null
    if (!isFresh) {
      asking ??= look()
      await Promise.race([asking, after(known === null ? FIRST_WAIT_MS : waitMs)])
    }
    return known === null ? null : { value: known.outcome(), ageMs: performance.now() - known.atMs }
  }

  /** Never rejects: perhaps no page waits for it any more. */
  async function look(): Promise<void> {
    const outcome = await ask().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error
      },
    )
    known = { outcome, atMs: performance.now() }
    asking = null
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
