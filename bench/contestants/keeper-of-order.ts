/** Who says that it keeps the order of a key. It is put into the situations in which an order breaks. */
import type { Client } from 'pg'

/** Answers the names of what was handled, in order. Names with `✗` are attempts that failed. */
export type Trace = readonly string[]

/** What has not come after this time will not come. Much longer than the delay of a retry. */
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
  /** Handles so many attempts. What is named as failing fails at its first one, and is due again after a second. */
  handle(attempts: number, failing?: string): Promise<Trace>
  /** Starts the first event of `hotKey`, and while that runs handles events of other keys, up to so many. Answers how many. */
  handleBeside(hotKey: string, others: number): Promise<number>
  close(): Promise<void>
}
