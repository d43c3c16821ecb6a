/** Who says that it keeps the order of a key. It is put into the situations in which an order breaks. */
import type { Client } from 'pg'

/** Answers the names of what was handled, in order. Names with `✗` are attempts that failed. */
export type Trace = readonly string[]

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
  /** Handles all there is, one after the other. What is in `failing` fails at its first attempt, and is due again after a second. */
  handleAll(failing: ReadonlySet<string>): Promise<Trace>
  /** Starts the first event of `hotKey`, and while that runs handles events of other keys. Answers how many. */
  handleBeside(hotKey: string): Promise<number>
  close(): Promise<void>
}
