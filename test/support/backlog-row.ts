/** A row of `bus.backlog()` for a handler with nothing to do. */
import type { HandlerBacklog } from '../../src/index.ts'

export function nothingFor(handler: string): HandlerBacklog {
  const counts = {
    waiting: 0,
    later: 0,
    running: 0,
    retrying: 0,
    snoozed: 0,
    awaiting: 0,
    parked: 0,
    blockedKeys: 0,
    dead: 0,
  }
  return { handler, ...counts, oldestWaitingMs: null, log: null }
}
