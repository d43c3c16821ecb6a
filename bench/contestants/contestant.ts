/** Who can be asked to drain a backlog. Each is set up as its own documentation recommends; what was tuned is said. */
import type { Load } from '../load.ts'
import type { Order } from '../order.ts'

/** The file of this folder that a contestant lives in. A worker process loads only that one, and only its library. */
export type Home = 'postbus' | 'pg-boss' | 'pg-boss-work' | 'graphile-worker' | 'bullmq' | 'raw-sql'

export interface Contestant {
  readonly home: Home
  readonly name: string
  readonly configuration: string
  /** Contestants that name the same product are filled alike, and can start from copies of the same database. */
  readonly product: string
  /** Who keeps its jobs elsewhere than in Postgres brings that along. */
  readonly bring?: () => Promise<OwnStore | NotHere>
  /** Creates its tables and queues, and stores the load by its own fast way. */
  fill(connectionString: string, load: Load): Promise<void>
  /** For who tells of a job before that is done in the database: whether all of them are by now. */
  isSettled?(connectionString: string): Promise<boolean>
  /** Connects and checks what it checks at start, but works on nothing yet. Runs in a worker process. */
  open(connectionString: string): Promise<OpenWorker>
}

export interface OwnStore {
  readonly connectionString: string
  /** Commands that were run so far, this question included. */
  commands(): Promise<number>
  stop(): Promise<void>
}

/** Why a contestant cannot be measured on this machine. */
export interface NotHere {
  readonly because: string
}

export interface OpenWorker {
  /** Works, with a handler that does nothing but tell, until stopped. Tells `count` what was done. */
  start(count: Count, onHandled: OnHandled): void
  stop(): Promise<void>
}

/** Called when a handler starts. */
export type OnHandled = (order: Order) => void

/** What a worker has done so far. */
export interface Count {
  /** Deliveries that are done in the database too. */
  done: number
  /** Of these, or of those whose handler has run, how many were on the hot key. */
  ofHot: number
}
