/** What the run of a lane is made of. */
import type { Attempt } from '../attempt/run-attempt.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'
import type { Held, Run } from './held.ts'
import type { LaneTurns } from './lane-turns.ts'
import type { QueueSignals } from './queue-signals.ts'
import type { Settler } from './settler.ts'

export interface LaneRunParts {
  readonly attempt: Attempt
  readonly emit: Emit
  readonly held: Held
  readonly settler: Settler
  readonly signals: QueueSignals
  readonly turns: LaneTurns
  /** Whether there is room in memory for more that is not begun. */
  hasRoom(): boolean
  /**
   * Nothing is known ahead of a lane of such a handler: what is behind may have been superseded by the time of its turn, and has no claim
   * of its own, by which a transaction could be fenced.
   */
  goesAlone?(handler: string): boolean
  isStopping(): boolean
  /** It may not run here now: the process stops, or an attempt that lost its claim still runs. */
  mustWait(delivery: ClaimedDelivery): boolean
  putOff(delivery: ClaimedDelivery, onSettled: () => void): void
  onOutcome(outcome: Outcome, delivery: ClaimedDelivery, tookMs: number): void
  /** Nothing of it is held any more. */
  onEnd(run: Run): void
}
