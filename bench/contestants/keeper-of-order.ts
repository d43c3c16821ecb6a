/** The interface of a contestant that claims to keep the order of each key. It is tested in situations in which an order breaks. */
import type { Client } from 'pg'

/** The names of the handled events, in order. Names with `✗` are attempts that failed. */
export type Trace = readonly string[]

/** An attempt that has not come after this time will not come. Much longer than the delay of a retry. */
export const PATIENCE_MS = 5_000

export interface KeeperOfOrder {
  readonly name: string
  readonly configuration: string
  /** Creates its tables and its queue. */
  install(connectionString: string): Promise<void>
  open(connectionString: string): Promise<OpenKeeper>
}

export interface OpenKeeper {
  /** Publishes one event named `what` for `key`, as part of the client's open transaction. */
  publish(client: Client, key: string, what: string): Promise<void>
  /** Handles `attempts` attempts. The event named `failing` fails at its first attempt, and is due again after a second. */
  handle(attempts: number, failing?: string): Promise<Trace>
  /** Starts the first event of `hotKey`. While that runs, handles up to `others` events of other keys, and returns how many. */
  handleBeside(hotKey: string, others: number): Promise<number>
  close(): Promise<void>
}
