/** What became of one attempt when it was to be settled. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'

export interface SettledAttempt {
  /** Its claim was still ours. */
  readonly wasOurs: boolean
  /** The next of its lane, if that was claimed for us. */
  readonly next: ClaimedDelivery | null
  /** More of its run, which goes on. */
  readonly behind: readonly ClaimedDelivery[]
  /** Its run must not go on after what runs now. */
  readonly isCut: boolean
  /** The database refuses its outcome. It is tried further, and the claim is kept, but without a slot. */
  readonly isRefused: boolean
}
