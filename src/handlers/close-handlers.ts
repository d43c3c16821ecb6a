/** Closes what handlers hold open: the connections of relays. */
import { clearTimeout, setTimeout } from '../clock.ts'
import type { AnyHandler } from './handler.ts'

/** A connection that does not close in this time is no longer waited for: it closes when the process ends. */
const WITHIN_MS = 5_000

/** Closes all handlers, even if one fails, and then throws the first error. */
export async function closeHandlers(handlers: readonly AnyHandler[], withinMs: number = WITHIN_MS): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, withinMs)
  const closed = await Promise.allSettled(handlers.map(async ({ close }) => Promise.race([close?.(), late])))
  clearTimeout(timer)
  const failed = closed.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}
