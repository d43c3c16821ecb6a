/** The end of what handlers hold open: the connections of relays. */
import type { AnyHandler } from './handler.ts'

/** Closes all, also where one fails, and then throws what the first of these threw. */
export async function closeHandlers(handlers: readonly AnyHandler[]): Promise<void> {
  const closed = await Promise.allSettled(handlers.map(async ({ close }) => close?.()))
  const failed = closed.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}
