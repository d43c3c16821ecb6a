/** Runs one delivery of a queue without keys as a member of a batch. Its slot is the batch's. */
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import { concludedAttempt } from '../../attempt/concluded-attempt.ts'
import type { HeldDelivery } from '../held.ts'
import { later } from '../later.ts'
import { returned, runSingle, type SingleRunParts } from '../single-run.ts'
import type { BatchPart } from './batch.ts'
import type { Batches } from './batches.ts'

export interface MemberRunParts extends SingleRunParts {
  readonly batches: Batches
}

/** The delivery is held when this returns. */
export function runMember(parts: MemberRunParts, delivery: ClaimedDelivery): void {
  const { queue } = delivery
  const held = parts.held.hold(delivery, null, true)
  const part = parts.batches.add(queue, [delivery], held.abort)
  if (part) return void runInBatch(parts, held, part)
  parts.held.returned(held)
  parts.held.release(held)
  runSingle(parts, parts.held.hold(delivery)) // it ends without a call of the handler
}

async function runInBatch(parts: MemberRunParts, held: HeldDelivery, part: BatchPart): Promise<void> {
  const leaving: SingleRunParts = {
    ...parts,
    onEnd(one) {
      part.leave()
      parts.onEnd(one)
    },
  }
  const end = await part.ended
  if (!end) return giveBack(leaving, held)
  const concluded = await concludedAttempt(end.outcomeOf(held.delivery), held.delivery, parts.emit)
  returned(leaving, held, { ...concluded, tookMs: end.tookMs })
}

/** Gives back a delivery that has not begun, so no attempt is used up. */
function giveBack(parts: SingleRunParts, held: HeldDelivery): void {
  parts.held.returned(held)
  parts.onReturned(held.delivery.handler)
  if (held.phase === 'given-back') return parts.onEnd(held)
  held.phase = 'settling'
  parts.settler.hand(later(held.delivery, 0), () => parts.onEnd(held))
}
