/** A slow and a fast handler that share a queue: how many attempts run at once, and a way to keep the slow ones from ending. */
import type { Pool } from 'pg'
import { defineHandler, type AnyHandler, type HandlerContext, type HandlerOptions } from '../../src/index.ts'
import { NoteTaken } from './notes.ts'

export interface Watched {
  /** The numbers of the notes whose attempts have begun, in this order. */
  readonly began: readonly number[]
  readonly ended: readonly number[]
  /** How many run now, and how many ran at once at the most. */
  readonly running: number
  readonly most: number
}

export interface Watch extends Watched {
  /** Runs the work of a handler, and counts it. */
  readonly counted: (n: number, work: () => unknown) => Promise<unknown>
}

export function aWatch(): Watch {
  const began: number[] = []
  const ended: number[] = []
  let running = 0
  let most = 0
  return {
    began,
    ended,
    get running() {
      return running
    },
    get most() {
      return most
    },
    async counted(n, work) {
      began.push(n)
      running += 1
      most = Math.max(most, running)
      try {
        return await work()
      } finally {
        running -= 1
        ended.push(n)
      }
    },
  }
}

/** Notes from this number on are for the fast handler, those before it for the slow one. */
export const FIRST_FAST = 1_000_000

export type SlowWork = (n: number, context: HandlerContext) => unknown

export function slowHandler(watch: Watch, work: SlowWork, options: HandlerOptions = {}): AnyHandler {
  return defineHandler('notes.slow', {
    on: NoteTaken,
    interested: (event) => event.data.n < FIRST_FAST,
    backoff: { initialMs: 10, factor: 1, jitter: 0 },
    ...options,
    handle: (event, context) => watch.counted(event.data.n, () => work(event.data.n, context)),
  })
}

export function fastHandler(watch: Watch): AnyHandler {
  return defineHandler('notes.fast', {
    on: NoteTaken,
    interested: (event) => event.data.n >= FIRST_FAST,
    handle: (event) => watch.counted(event.data.n, () => undefined),
  })
}

export interface Counted {
  readonly waiting: number
  readonly aside: number
  readonly running: number
  readonly completed: number
}

/** Counts the deliveries of the slow handler by their state. */
export async function slowDeliveries(database: Pool): Promise<Counted> {
  const { rows } = await database.query<Counted>(
    `select count(*) filter (where state < 'active')::integer as waiting,
      count(*) filter (where state < 'active' and blocked and group_tier = 'set aside')::integer as aside,
      count(*) filter (where state = 'active')::integer as running,
      (select count(*)::integer from postbus.history join postbus.handler on number = handler
        where name = 'notes.slow') as completed
    from pgboss.job where data ->> 'handler' = 'notes.slow'`,
  )
  return rows[0] ?? { waiting: -1, aside: -1, running: -1, completed: -1 }
}

export function range(count: number, from = 0): readonly number[] {
  return Array.from({ length: count }, (_, n) => from + n)
}
