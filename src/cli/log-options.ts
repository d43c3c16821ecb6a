/** `--type`, `--since`, `--until` and `--key`, for commands that read the log of events. */
import type { LogFilter } from '../deliveries/log-filter.ts'
import { text, type Invocation } from './command.ts'
import { timeOf } from './times.ts'

export const LOG_OPTIONS = {
  type: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  key: { type: 'string' },
} as const

export const DESCRIBE_LOG = {
  type: 'Only these event types or patterns, with commas between: orders.*,stock.counted',
  since: 'Only what was published at this time or later: 2026-05-01, or 2026-05-01T12:00Z.',
  until: 'Only what was published before this time.',
  key: 'Only these partition keys, with commas between.',
} as const

export function logFilterOf(invocation: Invocation): LogFilter {
  const [types, keys] = [listOf(invocation, 'type'), listOf(invocation, 'key')]
  const [since, until] = [timeOf(invocation, 'since'), timeOf(invocation, 'until')]
  return {
    ...(types && { types }),
    ...(since && { since }),
    ...(until && { until }),
    ...(keys && { partitionKeys: keys }),
  }
}

function listOf(invocation: Invocation, name: string): readonly string[] | undefined {
  return text(invocation, name)?.split(',')
}
