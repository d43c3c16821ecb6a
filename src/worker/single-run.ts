/** Runs one delivery of a queue without keys: an attempt in its slot, then its outcome goes to the database. */
import { performance } from '../clock.ts'
import { concludedAttempt, type ConcludedAttempt } from '../attempt/concluded-attempt.ts'
import type { Attempt } from '../attempt/run-attempt.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'
import type { Held, HeldDelivery } from './held.ts'
import type { QueueSignals } from './queue-signals.ts'
import type { Settler } from './settler.ts'

export interface SingleRunParts {
  readonly attempt: Attempt
  readonly emit: Emit
  readonly held: Held
  readonly settler: Settler
  readonly signals: QueueSignals
  /** Its handler has returned: the slot is free. */
  onReturned(handler: string): void
  onOutcome(outcome: Outcome, delivery: ClaimedDelivery, tookMs: number): void
  /** It is settled, or given back. */
  onEnd(held: HeldDelivery): void
  begin(delivery: ClaimedDelivery): void
}

interface TimedAttempt extends ConcludedAttempt {
  readonly tookMs: number
}

export function runSingle(parts: SingleRunParts, held: HeldDelivery): void {
  const { delivery, abort } = held
  const began = performance.now()
  const attempt = parts.attempt(delivery, abort)
  void concludedAttempt(attempt, delivery, parts.emit).then((concluded) =>
    returned(parts, held, { ...concluded, tookMs: performance.now() - began }),
  )
}

/** The outcome goes to the database, unless the delivery was given back meanwhile. */
export function returned(parts: SingleRunParts, held: HeldDelivery, concluded: TimedAttempt): void {
  const isGivenBack = held.phase === 'given-back'
  parts.held.returned(held)
  if (!isGivenBack) {
    held.phase = 'settling'
    settle(parts, held, concluded)
  }
  parts.onReturned(held.delivery.handler) // may call the next handler
  if (isGivenBack) parts.onEnd(held)
}

function settle(parts: SingleRunParts, held: HeldDelivery, concluded: TimedAttempt): void {
  const { delivery, abort } = held
  parts.settler.hand({ ...concluded.settlement, delivery }, ({ wasOurs, isRefused }) => {
    const newer = held.delivery === delivery ? null : held.delivery
    if (newer && !wasOurs && !isRefused) return settle(parts, held, concluded) // the claim was lost, and a new one has come meanwhile
    if (wasOurs) parts.onOutcome(concluded.outcome, delivery, concluded.tookMs)
    else if (!isRefused && !abort.signal.aborted) parts.signals.claimLost(delivery)
    parts.onEnd(held)
    if (newer) parts.begin(newer)
  })
}
