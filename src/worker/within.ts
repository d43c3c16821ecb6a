/** Waiting for something, but not longer than a limit. */
import { sleep } from '../clock.ts'

/** The result, or `null` when it takes longer. */
export async function withinMs<Result>(ms: number, work: Promise<Result>): Promise<Result | null> {
  const enough = new AbortController()
  try {
    return await Promise.race([work, sleep(ms, enough.signal).then(() => null)])
  } finally {
    enough.abort()
  }
}
