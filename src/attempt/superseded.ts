/** An event that need not be handled, because a newer one of its type waits behind it: for handlers with `coalesce: 'latest'`. */
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { Outcome } from '../handlers/outcome.ts'

export interface SupersedeParts {
  /** The newest event of its type that waits behind it in its lane; what stands between the two is ended. */
  supersede(delivery: ClaimedDelivery): Promise<string | null>
}

/** A delivery that was read from the log is no row of a lane: see `worker/log/runs.ts`. */
export async function superseded(
  delivery: ClaimedDelivery,
  handler: AnyHandler,
  { supersede }: SupersedeParts,
): Promise<Outcome | null> {
  const isInLane = delivery.claim > 0 && delivery.event?.partitionKey !== null
  if (handler.options.coalesce === undefined || !isInLane) return null
  const newer = await supersede(delivery)
  return newer === null ? null : supersededBy(newer)
}

export function supersededBy(eventId: string): Extract<Outcome, { is: 'superseded' }> {
  return { is: 'superseded', reason: `Event ${eventId} is newer.` }
}
