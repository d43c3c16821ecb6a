/** Who can be asked to drain a backlog. Each is set up as its own documentation recommends; what was tuned is said. */
import type { Load } from '../load.ts'

export interface Contestant {
  readonly name: string
  readonly configuration: string
  /** Contestants that name the same product are filled alike, and can start from copies of the same database. */
  readonly product: string
  /** Creates its tables and queues, and stores the load by its own fast way. */
  fill(connectionString: string, load: Load): Promise<void>
  /** Connects and checks what it checks at start, but works on nothing yet. Runs in a worker process. */
  open(connectionString: string): Promise<OpenWorker>
}

export interface OpenWorker {
  /** Works, with a handler that does nothing, until stopped. Tells `count` what was done. */
  start(count: Count): void
  stop(): Promise<void>
}

/** What a worker has done so far. */
export interface Count {
  /** Deliveries that are done in the database too. */
  done: number
  /** Of these, or of those whose handler has run, how many were on the hot key. */
  ofHot: number
}
