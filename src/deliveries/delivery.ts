/** A delivery on its way through a worker: claimed for one attempt, then settled by the outcome. */

/** One delivery that this process has claimed for one attempt. */
export interface ClaimedDelivery {
  readonly id: string
  readonly queue: string
  readonly handler: string
  /** Together with `id` it names this claim, not a later claim of the same delivery. */
  readonly claim: number
  /**
   * Counted from 1. Claims that were given back do not count. The latest claims in a row that were lost do count, because
   * their attempts may have begun.
   */
  readonly attempt: number
  /** `true`: the worker of its last claim died, or could not keep that claim. */
  readonly wasLost?: boolean
  /** If it was read from the log: the cursor. The delivery belongs to this worker while the cursor does, and has no claim. */
  readonly cursor?: CursorClaim
  /** The stored event, or `null` when it is gone. */
  readonly event: StoredEvent | null
  /**
   * The deliveries that follow it in its lane, and may run after it without another claim. They share its claim: no other
   * worker can claim them before it has ended.
   */
  readonly behind: readonly ClaimedDelivery[]
}

/** A cursor of the log, as the worker that reads from it knows it. */
export interface CursorClaim {
  readonly reader: string
  /** The stored name of the handler. */
  readonly handler: string
  readonly shard: number
  readonly fence: number
}

export interface StoredEvent {
  readonly seq: string
  readonly id: string
  /** The present name of the event type. */
  readonly type: string
  /** The name that it is stored under, if that is an older name. */
  readonly storedType?: string
  readonly version: number
  readonly partitionKey: string | null
  /** As the codec wrote it. `null`: it did not come with the delivery, because the handler is a shadow. */
  readonly payload: string | null
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly source: string | null
  /** JSON. It is parsed when an attempt begins, so that unreadable metadata harms no other delivery. `null`: none. */
  readonly metadata: string | null
  readonly occurredAt: Date
  readonly expiresAt: Date | null
  /**
   * Fields that most events do not have, as one JSON object: `caused_by_handler`, `initialized_at`, `redacted`, `is_expired`. `null`:
   * none of them.
   */
  readonly rest: string | null
}

/** One failed attempt, as it is stored: sanitised and shortened. */
export interface AttemptError {
  readonly attempt: number
  readonly at: string
  readonly code: string | null
  readonly message: string
  readonly stack: string | null
  /** For a lost claim: whether its attempt is known to have begun. */
  readonly begun?: boolean
  /** For a lost claim: the number of lost claims in a row, up to this one, of which it is not known whether the attempt began. */
  readonly lost?: number
}

/** The result of a claim. */
export interface Claimed {
  readonly deliveries: readonly ClaimedDelivery[]
  /** There may be more to claim right now. */
  readonly more: boolean
  /** Handlers with due deliveries that can only be claimed when one of the handler's slots is free. */
  readonly heldBack: readonly string[]
  /**
   * `true`: look again soon, because no wake-up may come. A publisher was committing to this queue when the claim began,
   * and may have woken no worker; or the claim could not see all lanes at one moment.
   */
  readonly lookAgain: boolean
}

/** How many deliveries of a handler a claim may return. `null`: no limit of that kind. */
export interface HandlerRoom {
  readonly handler: string
  /** The free slots of the handler in this process. */
  readonly free: number | null
  /** How many deliveries of the handler may run in all processes together. */
  readonly cluster: number | null
}

/** Further limits of what a claim may return. */
export interface ClaimBounds {
  /** Limits for single handlers. */
  readonly rooms?: readonly HandlerRoom[]
  /** In lanes: how many of the deliveries that follow it may come with each delivery. */
  readonly behind?: number
  /** How many bytes of large payloads may come. The last payload may exceed this. */
  readonly room?: number | null
}

/** How an attempt has ended. */
export type Ending =
  | { readonly is: 'done' }
  /** It ended without being handled, and will not run again. */
  | { readonly is: 'passed'; readonly as: PassedAs; readonly reason: string }
  | { readonly is: 'retry'; readonly delayMs: number; readonly error: AttemptError }
  | { readonly is: 'later'; readonly delayMs: number }
  /** It stays open until it is told how it ended, or until `delayMs` are over. */
  | { readonly is: 'awaiting'; readonly delayMs: number }
  | {
      readonly is: 'dead'
      readonly reason: string
      readonly error: AttemptError | null
      readonly onDead: 'continue' | 'block'
    }

/** What a finished attempt means for its delivery. */
export type Settlement = {
  readonly delivery: ClaimedDelivery
  /** `true`: also claim the next delivery of its lane, if one is due, in the same round trip. */
  readonly takeNext?: boolean
  /** How many of the deliveries behind the next one may come with it. */
  readonly behind?: number
  /** How long the attempt took, for deliveries that are done in a lane. */
  readonly tookMs?: number
  /** The deliveries of its run that were done before it and are not settled yet: the first of them has the claim. */
  readonly ran?: readonly Ran[]
  /** The delivery that runs after it, and gets the claim. */
  readonly movesTo?: ClaimedDelivery | undefined
  /** Up to `count` more deliveries may be returned for the run: those behind `last`, the last one that the worker knows. */
  readonly more?: { readonly last: ClaimedDelivery; readonly count: number } | undefined
} & Ending

/** The ways in which a delivery can end without being handled, as recorded in the history. */
export type PassedAs = 'skipped' | 'expired' | 'cancelled' | 'superseded'

/** A delivery of a run that is done. */
export interface Ran {
  readonly delivery: ClaimedDelivery
  readonly tookMs: number
}

/** The result of a settle. */
export interface Settled {
  /** The ids of the deliveries whose claims this worker still had. */
  readonly ours: ReadonlySet<string>
  /** The next deliveries of their lanes, claimed for this worker, each by the id of the delivery that it follows. */
  readonly next: ReadonlyMap<string, ClaimedDelivery>
  /** More deliveries for runs that go on, by the id of the settled delivery. */
  readonly behind: ReadonlyMap<string, readonly ClaimedDelivery[]>
  /** The ids of settled deliveries whose run must stop after the delivery that runs now: an older delivery of the lane has appeared. */
  readonly cut: ReadonlySet<string>
  /** `true`: a lane has a next delivery that is due, but the settle did not ask for it. */
  readonly more: boolean
}

export const NOTHING_SETTLED: Settled = {
  ours: new Set(),
  next: new Map(),
  behind: new Map(),
  cut: new Set(),
  more: false,
}
