/** `Retry-After`: an endpoint that is too busy says when it wants the message again. This is not a failure, and uses up no attempt. */
import { now } from '../../clock.ts'
import { snooze, type Snooze } from '../../handlers/outcome.ts'
import type { Posted } from './post.ts'

/** An event older than this is not postponed any more: the attempt fails. So an endpoint cannot delay an event without end. */
const MAX_AGE_MS = 86_400_000

export interface Patience {
  readonly atMostMs: number
  readonly since: Date
}

export function askedToWait({ status, retryAfter }: Posted, { atMostMs, since }: Patience): Snooze | null {
  if ((status !== 429 && status !== 503) || retryAfter === null) return null
  const delayMs = delayIn(retryAfter)
  if (delayMs === null || now().getTime() - since.getTime() > MAX_AGE_MS) return null
  return snooze({ seconds: Math.min(Math.max(delayMs, 1_000), atMostMs) / 1_000 })
}

/** `Retry-After` is a number of seconds, or a date. */
function delayIn(retryAfter: string): number | null {
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1_000
  const at = Date.parse(retryAfter)
  return Number.isNaN(at) ? null : at - now().getTime()
}
