/** Replays give stored events to one handler again: what `bus.replay` and `bus.replays` take and return. */
import { z } from 'zod'
import type { Envelope } from '../events/envelope.ts'
import { NAME } from '../names.ts'
import type { ActOptions } from './acts.ts'
import { logFilterFields, type LogFilter } from './log-filter.ts'

export interface ReplayQuery extends LogFilter {
  /** The name of the handler that gets the events again. Other handlers get nothing. */
  readonly handler: string
  /**
   * Selects events by their content. It runs in this process, so to resume such a replay, code must pass the function again. It
   * must be pure.
   */
  readonly where?: (event: Envelope) => boolean
  /** At most this many events per second. Default: as fast as workers keep up. */
  readonly ratePerSecond?: number
  /**
   * What to do about events whose delivery still waits or runs. `skip` leaves these deliveries as they are, and counts them.
   * `refuse` replays nothing if there are any. Default: `skip`.
   */
  readonly pending?: 'skip' | 'refuse'
}

/** What a replay would do: `bus.replay({ …, dryRun: true })`. Nothing is written. */
export interface ReplayPreview {
  /** How many events the handler would get again, including the events of open dead letters. */
  readonly count: number
  /** How many of these are open dead letters, which it would retry. */
  readonly retried: number
  /** Matching events that would be skipped, because their delivery waits or runs. */
  readonly skipped: number
  /** Stored events that match the types, times and keys. The handler may not be interested in all of them. */
  readonly matching: number
}

export type ReplayState = 'running' | 'paused' | 'done' | 'cancelled'

/** How far a replay has come. */
export interface ReplayProgress {
  readonly id: string
  readonly handler: string
  readonly state: ReplayState
  /** Stored events that matched the types, times and keys when it began. `examined` is how many of these it has looked at. */
  readonly matching: number
  readonly examined: number
  /** Events that were given to the handler again, including events of dead letters. */
  readonly count: number
  /** How many of these were dead letters, which were retried. */
  readonly retried: number
  /** Events that were skipped, because their delivery waited or ran. */
  readonly skipped: number
  /** How many of the `count` events wait or run at this moment. */
  readonly waiting: number
  /** An estimate of how long it will still take; `null`: there is nothing to estimate it from. */
  readonly remainingMs: number | null
  readonly by: string | null
  readonly reason: string | null
  readonly beganAt: Date
  readonly endedAt: Date | null
}

/** A replay that runs in this process. */
export interface Replay {
  /** Its id, for `bus.replays` and `context.replayId`. */
  readonly id: string
  readonly handler: string
  /** Stored events that match the types, times and keys. The handler gets at most this many. */
  readonly matching: number
  progress(): Promise<ReplayProgress>
  /** Gives no more events until `resume()`. Events that the handler already has are still handled. */
  pause(act?: ActOptions): Promise<void>
  resume(act?: ActOptions): Promise<void>
  /** Gives no more events, for good. Events that the handler already has are still handled. */
  cancel(act?: ActOptions): Promise<void>
  /**
   * Resolves when the last event is in the handler's queue, or the replay was cancelled. Rejects when it cannot go on in this
   * process; then `bus.replays.resume(id)` goes on where it was. If you do not await it, a rejection is not reported as
   * unhandled.
   */
  readonly done: Promise<ReplayProgress>
}

export interface ReplayResumption extends ActOptions {
  /** The function that the replay began with, if it had one. */
  readonly where?: (event: Envelope) => boolean
}

/** `bus.replays`: the replays of all processes, running and ended. */
export interface Replays {
  /** Returns at most 100 replays, the latest first. */
  list(): Promise<readonly ReplayProgress[]>
  /** Returns `null` if there is no replay with this id. */
  get(id: string): Promise<ReplayProgress | null>
  /**
   * Goes on with a replay in this process, where it was: after a pause, or when its process died. If it still runs in another
   * process, it stops there.
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_REPLAY`; `POSTBUS_REPLAY_ENDED`; `POSTBUS_INVALID_OPTIONS` without its `where`.
   */
  resume(id: string, how?: ReplayResumption): Promise<Replay>
  /** @throws {PostbusError} `POSTBUS_NO_SUCH_REPLAY`, `POSTBUS_REPLAY_ENDED`. */
  pause(id: string, act?: ActOptions): Promise<void>
  /** @throws {PostbusError} `POSTBUS_NO_SUCH_REPLAY`, `POSTBUS_REPLAY_ENDED`. */
  cancel(id: string, act?: ActOptions): Promise<void>
}

/** `bus.replay`. */
export interface BeginReplay {
  /** Returns what a replay would do, and changes nothing. */
  (query: ReplayQuery & { readonly dryRun: true }, act?: ActOptions): Promise<ReplayPreview>
  /**
   * Gives stored events to one handler again, in the order of publishing. The replay runs in this process. Each event takes its
   * place in its lane by that order. Events that are published later are not included. `interested` is asked again. Resolves as
   * soon as the replay runs.
   *
   * @example
   * const replay = await bus.replay({ handler: 'search.index', types: ['orders.*'], since: new Date('2026-05-01') }, { by: 'ada' })
   * console.log(`${replay.matching} events match`)
   * await replay.done
   *
   * @throws {PostbusError} `POSTBUS_UNKNOWN_HANDLER`; `POSTBUS_INVALID_OPTIONS`; `POSTBUS_REPLAY_PENDING` with `pending: 'refuse'`.
   */
  (query: ReplayQuery & { readonly dryRun?: false }, act?: ActOptions): Promise<Replay>
}

const condition = z.custom<(event: Envelope) => boolean>((given) => typeof given === 'function', {
  error: 'expected a function that returns true or false',
})

export const replayQuery = z.strictObject({
  handler: z.string().regex(NAME),
  ...logFilterFields,
  where: condition.exactOptional(),
  ratePerSecond: z.number().min(0.01).max(100_000).exactOptional(),
  pending: z.enum(['skip', 'refuse']).default('skip'),
  dryRun: z.boolean().default(false),
})

export type CheckedReplayQuery = z.output<typeof replayQuery>

export const replayId = z.guid()
/** The options of a resumption that other acts do not have. */
export const replayResumption = z.strictObject({ where: condition.exactOptional() })
