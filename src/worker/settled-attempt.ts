/** The result of settling one attempt. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'

export interface SettledAttempt {
  /** Its claim was still ours. */
  readonly wasOurs: boolean
  /** The next of its lane, if that was claimed for us. */
  readonly next: ClaimedDelivery | null
  /** More deliveries of its run, which goes on. */
  readonly behind: readonly ClaimedDelivery[]
  /** Whether its run must end after the delivery that runs now. */
  readonly isCut: boolean
  /** Whether the database refuses its outcome. Then it is tried again, and its claim is kept, but without a slot. */
  readonly isRefused: boolean
}
