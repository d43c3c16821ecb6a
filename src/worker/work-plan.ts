/** The plan of a worker: the queues and handlers that it works on, and their limits. */
import type { Attempts } from '../attempt/attempts.ts'
import type { Codec } from '../codec/codec.ts'
import type { Backfilling } from '../deliveries/delivery-store.ts'
import type { Registry } from '../handlers/registry.ts'
import type { HandlerSlots } from './handler-slots.ts'
import type { SharedSlots } from './shared-slots.ts'

export interface HandlerLimits {
  readonly timeoutMs: number
  readonly maxAttempts: number
  readonly queue?: string | undefined
  readonly coalesce?: 'latest' | undefined
}

export interface WorkPlan extends Attempts {
  /** Queue → how many handlers may run at once. */
  readonly queues: ReadonlyMap<string, number>
  /** Returns the slots of a queue's limited handlers: how many attempts of each may run at once. */
  slotsOf(queue: string): HandlerSlots
  /** Set when the queues of several tenants share their slots. */
  sharedSlotsOf?(queue: string): SharedSlots | undefined
  /** The names of the handlers this process knows. */
  readonly handlers: readonly string[]
  /** Returns the limits of a handler. */
  limitsOf(handler: string): HandlerLimits
  /** The names of the handlers whose effects and completion are one commit. */
  readonly transactional: readonly string[]
  /** The names of the handlers that fetch the data of their events themselves. */
  readonly shadows: readonly string[]
  /** The handlers that may need events from before they existed. */
  readonly backfills: readonly Backfilling[]
  /** For handlers that read the log. */
  readonly log: { readonly registry: Registry; readonly codec: Codec }
}
