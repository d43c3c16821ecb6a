/** What became of an event: at each handler that received it, with each attempt and error. */
import type { AttemptError } from '../deliveries/delivery.ts'
import type { DeliveryState } from '../deliveries/delivery-state.ts'
import type { RecordedEvent } from './recorded-event.ts'

/** One handler's delivery of an event. */
export interface DeliveryStatus {
  readonly deliveryId: string
  readonly handler: string
  readonly state: DeliveryState
  /** How many attempts have begun. */
  readonly attempts: number
  /** When it is due, for what waits for a time. `null`: it has ended, runs, or waits for something else. */
  readonly dueAt: Date | null
  /** When the latest attempt began. */
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  /** Why it is dead, or was skipped. */
  readonly reason: string | null
  /** The error of each failed attempt, oldest first, at most the latest 20. */
  readonly errors: readonly AttemptError[]
}

export interface EventStatus {
  readonly event: RecordedEvent
  /**
   * Nothing of it will run again by itself: each delivery has ended, is dead, or blocks its key. What an operator begins again
   * later, such as a retry of a dead letter, does not undo that.
   */
  readonly isFinished: boolean
  /** One per handler that received it, in the order of their names. Empty: no handler was interested. */
  readonly deliveries: readonly DeliveryStatus[]
}

/** Whether a delivery in this state goes on by itself. */
export function goesOn(state: DeliveryState): boolean {
  return GOING_ON.has(state)
}

const GOING_ON: ReadonlySet<DeliveryState> = new Set<DeliveryState>([
  'waiting',
  'running',
  'retrying',
  'snoozed',
  'parked',
  'awaiting',
])
