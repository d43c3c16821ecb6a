/** Tells the database that the claims of a dispatcher are alive, and ends attempts that have lost theirs. */
import { performance } from '../clock.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import { abortLost, type Held } from './held.ts'
import type { QueueSignals } from './queue-signals.ts'

export interface KeepParts {
  readonly queue: string
  readonly store: Pick<DeliveryStore, 'keep'>
  readonly held: Held
  readonly signals: QueueSignals
  /** Claims that are held without a slot. */
  others(): readonly ClaimedDelivery[]
}

/** Keeps the claims that are held for longer than `olderThanMs`, and aborts attempts whose claims were lost. */
export async function keepClaims({ queue, store, signals, ...parts }: KeepParts, olderThanMs: number): Promise<void> {
  const held = parts.held.heldSince(performance.now() - olderThanMs)
  const claims = [...held.map(({ delivery }) => delivery), ...parts.others()]
  if (claims.length === 0) return
  const moves = held.map(({ run }) => run?.moves)
  const ours = await store.keep(queue, claims)
  for (const [place, one] of held.entries()) {
    // Only one delivery of a run has the claim. While the claim moves, the settle will tell whether it was lost.
    const isKnown = one.run === null || (one.run.moves !== null && one.run.moves === moves[place])
    if (isKnown && !ours.has(one.delivery.id) && abortLost(one)) signals.claimLost(one.delivery)
  }
}
