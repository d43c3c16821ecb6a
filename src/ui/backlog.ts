/**
 * What waits and runs, by handler, for the first page. `bus.backlog()` counts it in one statement; a bus without that is asked by its record, handler by
 * handler, which cannot tell what runs at this moment.
 */
import type { Bus } from '../bus.ts'

export interface HandlerBacklog {
  readonly handler: string
  readonly waiting: number
  /** `null`: not known. */
  readonly running: number | null
  readonly retrying: number
  readonly parked: number | null
  readonly blockedKeys: number | null
  readonly dead: number
  readonly oldestWaitingMs: number | null
}

interface Counting {
  backlog(): Promise<{ readonly handlers: readonly HandlerBacklog[] }>
}

export async function backlogOf(bus: Bus): Promise<readonly HandlerBacklog[]> {
  if (counts(bus)) return (await bus.backlog()).handlers
  const known = await bus.handlers()
  const stored = known.filter(({ options }) => options.runs === 'in-worker')
  return Promise.all(stored.map(({ handler }) => byRecord(bus, handler)))
}

function counts(bus: Bus): bus is Bus & Counting {
  return 'backlog' in bus && typeof bus.backlog === 'function'
}

async function byRecord(bus: Bus, handler: string): Promise<HandlerBacklog> {
  const [unfinished, retrying, dead, oldest] = await Promise.all([
    bus.events.count({ handler, state: 'unfinished' }),
    bus.events.count({ handler, state: 'retrying' }),
    bus.deadLetters.count({ handler }),
    bus.events.list({ handler, state: 'unfinished', first: 'oldest', limit: 1 }),
  ])
  const [event] = oldest.events
  return {
    handler,
    waiting: Math.max(0, unfinished - retrying),
    running: null,
    retrying,
    parked: null,
    blockedKeys: null,
    dead,
    oldestWaitingMs: event === undefined ? null : Math.max(0, Date.now() - event.publishedAt.getTime()),
  }
}
