/** What was claimed for a batch handler goes into a batch: a delivery without a key alone, one of a lane with those behind it. */
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import type { SingleRunParts } from '../single-run.ts'
import type { Batches } from './batches.ts'
import { LaneBatch, type LaneBatchParts } from './lane-batch.ts'
import { runMember } from './member-run.ts'

/** Returns what begins a claimed delivery, which is held then. `lanes`: of a partitioned queue. */
export function gathering(
  lanes: Omit<LaneBatchParts, 'batches'> | null,
  singles: SingleRunParts,
  batches: Batches,
): (delivery: ClaimedDelivery) => void {
  if (lanes) return (delivery) => new LaneBatch({ ...lanes, batches }, delivery.handler).begin(delivery)
  const parts = { ...singles, batches }
  return (delivery) => runMember(parts, delivery)
}
