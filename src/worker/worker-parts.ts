/** The parts that a worker is made of. */
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import type { LogEngine } from '../deliveries/log-engine.ts'
import type { Emit } from '../signals.ts'
import type { HttpParts } from './http.ts'
import type { PruningParts } from './pruning.ts'
import type { SchedulingParts } from './scheduling.ts'
import type { WorkPlan } from './work-plan.ts'

export interface WorkerParts extends PruningParts {
  readonly store: DeliveryStore
  /** Whether to vacuum what deliveries leave behind. */
  readonly vacuum: boolean
  readonly shutdownGraceMs: number
  readonly pollMs: number
  readonly emit: Emit
  /** The engine from which handlers read the log. `null`: they read it from Postgres. */
  readonly engine: { readonly of: LogEngine; readonly tenant: string | null } | null
  readonly scheduling: SchedulingParts | null
  readonly http: HttpParts
  /** Finds out what to work on; handlers may have to be imported first. Called once. */
  plan(): Promise<WorkPlan>
}
