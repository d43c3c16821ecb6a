/** The pace of a handler, on which all processes of a cluster agree: rate limits and circuit breakers. */

/** Attempts that may begin, each one interval after the one before. */
export interface Granted {
  readonly count: number
  /** When the first attempt may begin, in milliseconds from now. */
  readonly firstMs: number
  /** When the next attempt after these could begin, in milliseconds from now. */
  readonly nextMs: number
}

export interface Granting {
  readonly handler: string
  readonly wanted: number
  readonly everyMs: number
  /** No attempt is granted that would begin later than this. */
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

/** `counted`: more failures are needed to pause the handler. `opened`: this failure paused it. `open`: it was already paused. */
export type AfterFailure = 'counted' | 'opened' | 'open'

export interface PaceStore {
  grant(granting: Granting): Promise<Granted>
  circuitFailed(failure: CircuitFailure): Promise<AfterFailure>
  /** Call it when a probe has succeeded. Returns whether the handler was paused until now. */
  circuitPassed(handler: string): Promise<boolean>
}
