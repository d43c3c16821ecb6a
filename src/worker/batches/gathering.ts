/** Puts claimed deliveries of a batch handler into batches: one without a key alone, one of a lane together with those behind it. */
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import type { SingleRunParts } from '../single-run.ts'
import type { Batches } from './batches.ts'
import { LaneBatch, type LaneBatchParts } from './lane-batch.ts'
import { runMember } from './member-run.ts'

/** Returns a function that begins a claimed delivery and holds it. `lanes` is for a partitioned queue; `null` for one without keys. */
export function gathering(
  lanes: Omit<LaneBatchParts, 'batches'> | null,
  singles: SingleRunParts,
  batches: Batches,
): (delivery: ClaimedDelivery) => void {
  if (lanes) return (delivery) => new LaneBatch({ ...lanes, batches }, delivery.handler).begin(delivery)
  const parts = { ...singles, batches }
  return (delivery) => runMember(parts, delivery)
}
