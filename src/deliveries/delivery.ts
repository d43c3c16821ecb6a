/** A delivery on its way through a worker: claimed for one attempt, and settled by what came of that. */

/** One delivery that this process has claimed for one attempt. */
export interface ClaimedDelivery {
  readonly id: string
  readonly queue: string
  readonly handler: string
  /** Together with `id` it names this claim, and no later one. */
  readonly claim: number
  /**
   * Counted from 1; claims that were given back do not count. Those that were lost, the last ones in a row, do: they may have
   * begun.
   */
  readonly attempt: number
  /** The worker of its last claim died, or could not keep it. */
  readonly wasLost?: boolean
  /** It was read from the log, and is ours for as long as this cursor is. It has no claim then. */
  readonly cursor?: CursorClaim
  /** What is stored of the event, or `null` when it is gone. */
  readonly event: StoredEvent | null
  /**
   * Those that follow it in its lane, and may run after it without being asked for. They have its claim: no other worker can
   * claim them before it has ended.
   */
  readonly behind: readonly ClaimedDelivery[]
}

/** A cursor of the log, as the worker has it that reads behind it. */
export interface CursorClaim {
  readonly reader: string
  /** By the name that is stored. */
  readonly handler: string
  readonly shard: number
  readonly fence: number
}

export interface StoredEvent {
  readonly seq: string
  readonly id: string
  /** By the name that it has now. */
  readonly type: string
  /** The name that it is stored under, where that is an older one. */
  readonly storedType?: string
  readonly version: number
  readonly partitionKey: string | null
  /** As the codec wrote it. `null`: it did not come with the delivery, because the handler is a shadow. */
  readonly payload: string | null
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly source: string | null
  /** JSON, read when an attempt begins: what cannot be read must cost no other delivery. `null`: none. */
  readonly metadata: string | null
  readonly occurredAt: Date
  readonly expiresAt: Date | null
  /** What most events have nothing of, as JSON: `caused_by_handler`, `initialized_at`, `redacted`, `is_expired`. `null`: none of it. */
  readonly rest: string | null
}

/** One failed attempt, as it is stored: sanitised and capped. */
export interface AttemptError {
  readonly attempt: number
  readonly at: string
  readonly code: string | null
  readonly message: string
  readonly stack: string | null
  /** Of a claim that was lost: whether its attempt is known to have begun. */
  readonly begun?: boolean
  /** Of a claim that was lost: of how many in a row, by then, that is not known. */
  readonly lost?: number
}

/** What a claim has brought. */
export interface Claimed {
  readonly deliveries: readonly ClaimedDelivery[]
  /** There may be more to claim right now. */
  readonly more: boolean
  /** Handlers of which something is left that may only be claimed when one of their slots is free. */
  readonly heldBack: readonly string[]
  /**
   * Soon there may be something to claim without a wake-up: a publisher was committing to this queue when the claim began,
   * and may have woken no worker; or the claim could not see everything at one moment.
   */
  readonly lookAgain: boolean
}

/** How many deliveries of a handler a claim may bring. `null`: no limit of that kind. */
export interface HandlerRoom {
  readonly handler: string
  /** What is free in this process. */
  readonly free: number | null
  /** How many may run in all processes together. */
  readonly cluster: number | null
}

/** What a claim may bring, beside how many. */
export interface ClaimBounds {
  /** Of these handlers no more than so many. */
  readonly rooms?: readonly HandlerRoom[]
  /** In lanes: with each up to so many of those that follow it. */
  readonly behind?: number
  /** Large payloads for so many bytes; one goes beyond. */
  readonly room?: number | null
}

/** How an attempt has ended. */
export type Ending =
  | { readonly is: 'done' }
  /** It has ended without having been handled, and will not run again. */
  | { readonly is: 'passed'; readonly as: PassedAs; readonly reason: string }
  | { readonly is: 'retry'; readonly delayMs: number; readonly error: AttemptError }
  | { readonly is: 'later'; readonly delayMs: number }
  /** It is open until it is told how it ended, or for so long. */
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
  /** Claim the next delivery of its lane, if one is due, in the same round trip. */
  readonly takeNext?: boolean
  /** With the next one come up to so many of those behind it. */
  readonly behind?: number
  /** How long it took, for those that are done in a lane. */
  readonly tookMs?: number
  /** Of its run, those that were done before it and are not settled: the first of these has the claim. */
  readonly ran?: readonly Ran[]
  /** The one that runs after it, and has the claim now. */
  readonly movesTo?: ClaimedDelivery | undefined
  /** After the last one that is known of the run, so many more may be brought. */
  readonly more?: { readonly last: ClaimedDelivery; readonly count: number } | undefined
} & Ending

/** How a delivery can end that was not handled: as its history says. */
export type PassedAs = 'skipped' | 'expired' | 'cancelled' | 'superseded'

/** One of a run that is done. */
export interface Ran {
  readonly delivery: ClaimedDelivery
  readonly tookMs: number
}

/** What settling has brought. */
export interface Settled {
  /** The ids of those that were still ours. */
  readonly ours: ReadonlySet<string>
  /** The next deliveries of their lanes, claimed for us, each by the id of the one it follows. */
  readonly next: ReadonlyMap<string, ClaimedDelivery>
  /** More of runs that go on, each by the id of the one that was settled. */
  readonly behind: ReadonlyMap<string, readonly ClaimedDelivery[]>
  /** The ids of those whose run must not go on after what runs now: an older delivery of the lane has come. */
  readonly cut: ReadonlySet<string>
  /** A lane has a next delivery that is due and was not asked for. */
  readonly more: boolean
}

export const NOTHING_SETTLED: Settled = {
  ours: new Set(),
  next: new Map(),
  behind: new Map(),
  cut: new Set(),
  more: false,
}
