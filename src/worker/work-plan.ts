/** What a worker is to work on. */
import type { Attempts } from '../attempt/attempts.ts'
import type { Codec } from '../codec/codec.ts'
import type { Backfilling } from '../deliveries/delivery-store.ts'
import type { Registry } from '../handlers/registry.ts'
import type { HandlerSlots } from './handler-slots.ts'
import type { SharedSlots } from './shared-slots.ts'

export interface HandlerLimits {
  readonly timeoutMs: number
  readonly maxAttempts: number
  readonly coalesce?: 'latest' | undefined
}

export interface WorkPlan extends Attempts {
  /** Queue → how many handlers may run at once. */
  readonly queues: ReadonlyMap<string, number>
  /** How many attempts of each limited handler may run at once. */
  slotsOf(queue: string): HandlerSlots
  /** Where the queues of several tenants share their slots. */
  sharedSlotsOf?(queue: string): SharedSlots | undefined
  /** The names of the handlers this process knows. */
  readonly handlers: readonly string[]
  /** What a handler allows. */
  limitsOf(handler: string): HandlerLimits
  /** The names of those whose effects and completion are one commit. */
  readonly transactional: readonly string[]
  /** Those of the handlers that fetch the data of their events themselves. */
  readonly shadows: readonly string[]
  /** Handlers that may have to be given what was published before they were there. */
  readonly backfills: readonly Backfilling[]
  /** For handlers that read the log. */
  readonly log: { readonly registry: Registry; readonly codec: Codec }
}
