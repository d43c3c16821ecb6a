/**
 * The interface of an engine: another system that carries the log, so that workers read it there and not in Postgres. Positions, leases and what
 * failed stay in Postgres. So a worker with an engine and a worker without one can serve the same handlers, side by side.
 */
import type { Emit } from '../signals.ts'
import type { LogEvent, LogLook, LogPiece, LogStore } from './log-reading.ts'

/** What a worker reads the log from. */
export type LogSource = Pick<LogStore, 'look' | 'read'>

/** An engine of one worker. */
export interface RunningEngine extends LogSource {
  start(): void
  /** There may be new events in Postgres. */
  wake(): void
  /** Stops relaying, and closes its connection. Safe to repeat. */
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
  /** The name of the bus: tenants share an engine, and each has a stream of its own. `null`: this is not a tenant's bus. */
  readonly tenant: string | null
  readonly log: LogStore
  readonly relays: RelayStore
  /** How often to look for new events when nothing wakes the relay, in milliseconds. */
  readonly pollMs: number
  readonly emit: Emit
  /** Called when there may be something to read. */
  onProgress(): void
}

/** The relay of a stream, as the database knows it. One worker at a time is its owner. */
export interface RelayLease {
  /** Tells the databases apart that might write to one stream. */
  readonly id: string
  readonly owner: string | null
  /** Counts the owner's heartbeats. */
  readonly beat: number
  /** The life of the server from which the stream was filled. `null`: it was never filled. */
  readonly life: string | null
  /** The present life of the server. `null`: it has crashed, and no worker has looked since. */
  readonly serverLife: string | null
}

/** The part of the store that a relay needs: the log with the names that are stored, and its lease. */
export interface RelayStore {
  look(known: LogLook): Promise<LogLook>
  /** Returns events with the names of types and handlers as they are stored. */
  read(piece: LogPiece): Promise<readonly LogEvent[]>
  /** Returns the lease of a stream. If `me` is its owner, counts a heartbeat, and notes up to which event the stream is filled. */
  beat(stream: string, me: string, position: number | null): Promise<RelayLease>
  /** Makes `me` the owner, if the lease is as it was seen. Returns whether that is so now. */
  take(stream: string, me: string, seen: RelayLease): Promise<boolean>
  leave(stream: string, me: string): Promise<void>
  noteLife(stream: string, life: string): Promise<void>
  /** Returns the lowest position of all cursors; `null`: there are none. */
  firstPosition(): Promise<number | null>
  /** Returns the number of the last event in each partition, among the events after `after`, up to `upTo`. Partitions without one are missing. */
  lastIn(
    partitions: number,
    place: { readonly after: number; readonly upTo: number },
  ): Promise<ReadonlyMap<number, number>>
  /** Returns some events that operators have erased, and the stream still may hold. */
  erased(stream: string): Promise<readonly number[]>
  /** The stream does not hold these events any more. */
  forget(stream: string, numbers: readonly number[]): Promise<void>
}
