/** Keeps what is expensive to ask for a few seconds, for all who look at the page at once. */
import { performance, setTimeout } from '../clock.ts'

export interface Remembered<Value> {
  readonly value: Value
  /** How old it is, in milliseconds. */
  readonly ageMs: number
}

interface Times {
  /** Asked again when it is older than this. */
  readonly freshMs: number
  /** A page waits for it so long, and then shows the older value. */
  readonly waitMs: number
  /** An answer that is older than this is not shown any more. Default: a minute. */
  readonly keepMs?: number
}

/** Where there is no older value, a page waits so long, and then shows that it is still being asked. */
const FIRST_WAIT_MS = 150

/**
 * Asks once at a time, and only when someone looks. Returns `null` when there is nothing to show yet. What the question throws is
 * remembered as well, so that the next one to look sees it.
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

  /** Never rejects: there may be no one left who waits for it. */
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
