/** The options of `bus.events.tail`. */
import { z } from 'zod'
import { logFilterFields, type LogFilter } from '../deliveries/log-filter.ts'

export interface TailQuery extends Omit<LogFilter, 'until'> {
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

const { until: _, ...fields } = logFilterFields

export const tailQuery = z.strictObject({ ...fields, signal: z.instanceof(AbortSignal).exactOptional() })

export type CheckedTailQuery = z.output<typeof tailQuery>
