/** The parts that a dispatcher is made of. */
import type { Attempt } from '../attempt/run-attempt.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import type { Emit } from '../signals.ts'
import type { Alone } from './alone.ts'
import type { Batches } from './batches/batches.ts'
import type { HandlerSlots } from './handler-slots.ts'
import type { SharedSlots } from './shared-slots.ts'
import type { Tally } from './tally.ts'

export interface DispatcherParts {
  readonly queue: string
  readonly concurrency: number
  /** Set when the queues of several tenants share their slots. */
  readonly sharedSlots?: SharedSlots | undefined
  /** Shared with the other queue of the same handlers. */
  readonly handlerSlots: HandlerSlots
  /** Shared by all queues of a worker. */
  readonly alone?: Alone
  /** Whether claims may ask for more than there are free slots. */
  readonly claimsAhead?: boolean
  /** Whether each delivery of a handler has to be claimed before it begins: see `LaneRunParts`. */
  goesAlone?(handler: string): boolean
  /** Shared by all queues of a worker. */
  readonly batches?: Batches
  readonly pollMs: number
  readonly store: DeliveryStore
  readonly tally: Tally
  readonly emit: Emit
  readonly attempt: Attempt
}
