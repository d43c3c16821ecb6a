/** What became of an event at each handler that received it, with attempts and errors. */
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
  /** When it is due, if it waits for a time. `null`: it has ended, runs, or waits for something else. */
  readonly dueAt: Date | null
  /** When the latest attempt began. */
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  /** Why the delivery is dead, or was skipped. */
  readonly reason: string | null
  /** The error of each failed attempt, oldest first, at most the latest 20. */
  readonly errors: readonly AttemptError[]
}

export interface EventStatus {
  readonly event: RecordedEvent
  /**
   * `true`: no delivery of it will run again by itself: each has ended, is dead, or blocks its key. It stays true when an
   * operator later starts a delivery again, for example by retrying a dead letter.
   */
  readonly isFinished: boolean
  /** One for each handler that received it, ordered by name. Empty: no handler was interested. */
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
