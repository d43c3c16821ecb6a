/** Keeping claims alive while the event loop of their process stands still: what a worker tells of its claims. */
import type { ClaimedDelivery } from './delivery.ts'

export interface HeldClaim {
  readonly delivery: ClaimedDelivery
  /** For how long the event loop may stand still before this claim is given up. */
  readonly limitMs: number
}

export interface Heartbeats {
  /** These are claimed, and their handlers are about to begin. */
  hold(claims: readonly HeldClaim[]): void
  /** These are settled, or lost. */
  release(deliveries: readonly ClaimedDelivery[]): void
  /** The event loop goes round. */
  pulse(): void
  stop(): Promise<void>
}
