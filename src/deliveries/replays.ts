/** Replays: stored events again, to one handler. What `bus.replay` and `bus.replays` take and return. */
import { z } from 'zod'
import type { Envelope } from '../events/envelope.ts'
import { NAME } from '../names.ts'
import type { ActOptions } from './acts.ts'
import { logFilterFields, type LogFilter } from './log-filter.ts'

export interface ReplayQuery extends LogFilter {
  /** The name of the handler that gets the events again. Other handlers get nothing. */
  readonly handler: string
  /**
   * Which of the events, by what they hold. Runs in this process, so a replay with it can be resumed only by code that gives it
   * again. It must be pure.
   */
  readonly where?: (event: Envelope) => boolean
  /** At most so many events a second. Default: as fast as workers keep up with. */
  readonly ratePerSecond?: number
  /**
   * What of deliveries that wait or run anyway? `skip` leaves them as they are, and counts them. `refuse` replays nothing when
   * there are any. Default: `skip`.
   */
  readonly pending?: 'skip' | 'refuse'
}

/** What a replay would do: `bus.replay({ …, dryRun: true })`. Nothing is written. */
export interface ReplayPreview {
  /** How many events the handler would get again, those of open dead letters included. */
  readonly count: number
  /** Of these: dead deliveries, of which it would be a retry. */
  readonly retried: number
  /** Events that match and would be passed over, because their delivery waits or runs. */
  readonly skipped: number
  /** Stored events that match the types, times and keys; the handler is not interested in the rest. */
  readonly matching: number
}

export type ReplayState = 'running' | 'paused' | 'done' | 'cancelled'

/** How far a replay has come. */
export interface ReplayProgress {
  readonly id: string
  readonly handler: string
  readonly state: ReplayState
  /** Stored events that matched the types, times and keys when it began, and how many of these it has looked at. */
  readonly matching: number
  readonly examined: number
  /** Events that were given to the handler again, those of dead letters included. */
  readonly count: number
  /** Of these: dead deliveries that were retried. */
  readonly retried: number
  /** Events that were passed over, because their delivery waited or ran. */
  readonly skipped: number
  /** Of `count`, how many wait or run at this moment. */
  readonly waiting: number
  /** An estimate of how long it will go on; `null`: there is nothing to estimate it by. */
  readonly remainingMs: number | null
  readonly by: string | null
  readonly reason: string | null
  readonly beganAt: Date
  readonly endedAt: Date | null
}

/** A replay that runs in this process. */
export interface Replay {
  /** Names it, for `bus.replays` and `context.replayId`. */
  readonly id: string
  readonly handler: string
  /** Stored events that match the types, times and keys: at most so many does the handler get. */
  readonly matching: number
  progress(): Promise<ReplayProgress>
  /** Gives no more events until `resume()`. What the handler has been given runs on. */
  pause(act?: ActOptions): Promise<void>
  resume(act?: ActOptions): Promise<void>
  /** Gives no more events, for good. What the handler has been given runs on. */
  cancel(act?: ActOptions): Promise<void>
  /**
   * Resolves when the last event stands in the handler's queue, or the replay was cancelled. Rejects when it cannot go on here;
   * `bus.replays.resume(id)` goes on then, where it was. Nothing is thrown when it is not awaited.
   */
  readonly done: Promise<ReplayProgress>
}

export interface ReplayResumption extends ActOptions {
  /** The function that the replay began with, if it had one. */
  readonly where?: (event: Envelope) => boolean
}

/** `bus.replays`: replays of this process and others, those that have ended too. */
export interface Replays {
  /** The latest first, at most 100. */
  list(): Promise<readonly ReplayProgress[]>
  /** `null`: there is none of this id. */
  get(id: string): Promise<ReplayProgress | null>
  /**
   * Goes on in this process where the replay was: after a pause, or when its process died. If it still runs in another process, it
   * ends there.
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
  /** Says what a replay would do, and does nothing. */
  (query: ReplayQuery & { readonly dryRun: true }, act?: ActOptions): Promise<ReplayPreview>
  /**
   * Gives stored events to one handler again, in the order of publishing, in this process. Each takes its place in its lane by that
   * order. Events that are published later are not part of it. `interested` is asked again. Resolves as soon as it runs.
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
/** Beside what every act takes. */
export const replayResumption = z.strictObject({ where: condition.exactOptional() })
