/** What `bus.events.tail` takes. */
import { z } from 'zod'
import { logFilterFields, type LogFilter } from '../deliveries/log-filter.ts'

export interface TailQuery extends Omit<LogFilter, 'until'> {
  /** Ends it. */
  readonly signal?: AbortSignal
}

const { until: _, ...fields } = logFilterFields

export const tailQuery = z.strictObject({ ...fields, signal: z.instanceof(AbortSignal).exactOptional() })

export type CheckedTailQuery = z.output<typeof tailQuery>
