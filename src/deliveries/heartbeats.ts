/** What a worker tells of its claims, so that they are kept alive while its event loop is blocked. */
import type { ClaimedDelivery } from './delivery.ts'

export interface HeldClaim {
  readonly delivery: ClaimedDelivery
  /** How long the event loop may be blocked before this claim is given up. */
  readonly limitMs: number
}

export interface Heartbeats {
  /** Call it when deliveries are claimed, before their handlers begin. */
  hold(claims: readonly HeldClaim[]): void
  /** Call it when deliveries are settled, or their claims were lost. */
  release(deliveries: readonly ClaimedDelivery[]): void
  /** Call it regularly: it shows that the event loop is running. */
  pulse(): void
  stop(): Promise<void>
}
