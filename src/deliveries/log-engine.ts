/**
 * The interface of an engine: another system that has a copy of the log, so that workers read events there and not in Postgres. Positions, leases and failed events stay in
 * Postgres. So workers with an engine and workers without one can run the same handlers at the same time.
 */
import type { Emit } from '../signals.ts'
import type { LogEvent, LogLook, LogPiece, LogStore } from './log-reading.ts'

/** The place from which a worker reads the log. */
export type LogSource = Pick<LogStore, 'look' | 'read'>

/** The engine of one worker. */
export interface RunningEngine extends LogSource {
  start(): void
  /** There may be new events in Postgres. */
  wake(): void
  /** Stops copying the log, and closes the connection. Safe to repeat. */
  close(): Promise<void>
}

/** An engine as an application gives it to `createBus`. */
export interface LogEngine {
  /** For errors and signals: `jetstream`. */
  readonly name: string
  /** @internal */
  open(parts: EngineParts): RunningEngine
}

export interface EngineParts {
  /** The name of the tenant's bus: each tenant has its own stream. `null`: the bus is not for a tenant. */
  readonly tenant: string | null
  readonly log: LogStore
  readonly relays: RelayStore
  /** How often to look for new events when nothing wakes the relay, in milliseconds. */
  readonly pollMs: number
  readonly emit: Emit
  /** Called when there may be something to read. */
  onProgress(): void
}

/** The lease for copying the log to a stream. One worker at a time owns it. */
export interface RelayLease {
  /** Identifies the database, so that two databases do not write to the same stream. */
  readonly id: string
  readonly owner: string | null
  /** Counts the owner's heartbeats. */
  readonly beat: number
  /** The life of the server from which the stream was filled; `null`: it was never filled. */
  readonly life: string | null
  /** The present life of the server; `null`: it has crashed, and no worker has read the log since. */
  readonly serverLife: string | null
}

/** The part of the store that a relay uses: the log with stored names, and the lease. */
export interface RelayStore {
  look(known: LogLook): Promise<LogLook>
  /** Returns events with the names of types and handlers as they are stored. */
  read(piece: LogPiece): Promise<readonly LogEvent[]>
  /** Returns the lease of a stream. If `me` is its owner, counts a heartbeat, and notes up to which event the stream is filled. */
  beat(stream: string, me: string, position: number | null): Promise<RelayLease>
  /** Makes `me` the owner, if the lease has not changed since `seen`. Returns whether it did. */
  take(stream: string, me: string, seen: RelayLease): Promise<boolean>
  leave(stream: string, me: string): Promise<void>
  noteLife(stream: string, life: string): Promise<void>
  /** Returns the lowest position of all cursors; `null`: there are none. */
  firstPosition(): Promise<number | null>
  /** Returns the number of each partition's last event after `after`, up to `upTo`. Partitions without such an event are left out. */
  lastIn(
    partitions: number,
    place: { readonly after: number; readonly upTo: number },
  ): Promise<ReadonlyMap<number, number>>
  /** Returns some of the events that operators have erased and that the stream may still contain. */
  erased(stream: string): Promise<readonly number[]>
  /** Removes these events from the list: they are erased in the stream. */
  forget(stream: string, numbers: readonly number[]): Promise<void>
}
