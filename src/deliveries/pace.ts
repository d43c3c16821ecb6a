/** What the processes of a cluster agree on about a handler's pace. */

/** Attempts that may begin, each so long after the one before. */
export interface Granted {
  readonly count: number
  /** The first one, from now on. */
  readonly firstMs: number
  /** The next one after these. */
  readonly nextMs: number
}

export interface Granting {
  readonly handler: string
  readonly wanted: number
  readonly everyMs: number
  /** Nothing is granted that lies further ahead. */
  readonly withinMs: number
}

export interface CircuitFailure {
  readonly handler: string
  readonly failures: number
  readonly perMs: number
  readonly pauseMs: number
  /** Why it is paused, for operators. */
  readonly reason: string
}

/** A failure was one of those before the last; or the last, so the handler is paused from now on; or it was paused before. */
export type AfterFailure = 'counted' | 'opened' | 'open'

export interface PaceStore {
  grant(granting: Granting): Promise<Granted>
  circuitFailed(failure: CircuitFailure): Promise<AfterFailure>
  /** A probe has ended well. Returns whether the handler was paused until now. */
  circuitPassed(handler: string): Promise<boolean>
}
