/** The parts that the run of a lane is made of. */
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
  /** Whether there is room in memory for more deliveries that have not begun. */
  hasRoom(): boolean
  /**
   * Whether each delivery of a handler must be claimed before it begins. A delivery that follows in the lane may have been superseded
   * when its turn comes, and has no claim of its own that could fence a transaction.
   */
  goesAlone?(handler: string): boolean
  isStopping(): boolean
  /** Whether a delivery may not run here now: the process stops, or an attempt at it that lost its claim still runs. */
  mustWait(delivery: ClaimedDelivery): boolean
  putOff(delivery: ClaimedDelivery, onSettled: () => void): void
  onOutcome(outcome: Outcome, delivery: ClaimedDelivery, tookMs: number): void
  /** Called when nothing of the run is held any more. */
  onEnd(run: Run): void
}
