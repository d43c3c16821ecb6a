/** Passes over an event when a newer one of its type waits behind it, for handlers with `coalesce: 'latest'`. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Outcome } from '../handlers/outcome.ts'

export interface SupersedeParts {
  /** Returns the id of the newest event of the same type that waits in the lane, or `null`. Events of that type between the two are ended. */
  supersede(delivery: ClaimedDelivery): Promise<string | null>
}

/** A delivery that was read from the log has no row in a lane, so it is passed over elsewhere: see `worker/log/runs.ts`. */
export function mayBeSuperseded(delivery: ClaimedDelivery, { options }: AnyHandler): boolean {
  return options.coalesce !== undefined && delivery.claim > 0 && delivery.event?.partitionKey !== null
}

export async function superseded(
  delivery: ClaimedDelivery,
  handler: AnyHandler,
  { supersede }: SupersedeParts,
): Promise<Outcome | null> {
  if (!mayBeSuperseded(delivery, handler)) return null
  const newer = await supersede(delivery)
  return newer === null ? null : supersededBy(newer)
}

export function supersededBy(eventId: string): Extract<Outcome, { is: 'superseded' }> {
  return { is: 'superseded', reason: `Event ${eventId} is newer.` }
}
