/** The interface of a contestant that drains a backlog. Each is set up as its own documentation recommends; any tuning is stated. */
import type { Load } from '../load.ts'
import type { Order } from '../order.ts'

/** The file of this folder that defines a contestant. A worker process loads only that file, and only its library. */
export type Home = 'postbus' | 'pg-boss' | 'pg-boss-work' | 'graphile-worker' | 'bullmq' | 'raw-sql'

export interface Contestant {
  readonly home: Home
  readonly name: string
  readonly configuration: string
  /** Contestants with the same product are filled alike, and can start from copies of the same database. */
  readonly product: string
  /** Starts the contestant's own store, if it does not keep its jobs in Postgres. */
  readonly bring?: () => Promise<OwnStore | NotHere>
  /** Creates its tables and queues, and stores the load in the fastest way that it offers. */
  fill(connectionString: string, load: Load): Promise<void>
  /** For a contestant that reports a job before the job is done in the database: returns true once all jobs are done there. */
  isSettled?(connectionString: string): Promise<boolean>
  /** Connects and checks what it checks at start, but works on nothing yet. Runs in a worker process. */
  open(connectionString: string): Promise<OpenWorker>
}

export interface OwnStore {
  readonly connectionString: string
  /** The number of commands run so far, including the one that asks for it. */
  commands(): Promise<number>
  stop(): Promise<void>
}

/** The reason why a contestant cannot be measured on this machine. */
export interface NotHere {
  readonly because: string
}

export interface OpenWorker {
  /** Works until stopped, with a handler that only reports its start. Adds what was done to `count`. */
  start(count: Count, onHandled: OnHandled): void
  stop(): Promise<void>
}

/** Called when a handler starts. */
export type OnHandled = (order: Order) => void

/** The work that a worker has done so far. */
export interface Count {
  /** Deliveries that are done in the database too. */
  done: number
  /** How many of these, or of the deliveries whose handler has run, were on the hot key. */
  ofHot: number
  /** How many handlers have run for other keys. Only for a contestant that counts the hot key when its handlers run. Default: `done` − `ofHot`. */
  ofOthers?: number
}
