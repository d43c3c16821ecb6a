/** `--by` and `--reason`, for commands that act. */
import type { ActOptions } from '../deliveries/acts.ts'
import { text, type Invocation } from './command.ts'

export const ACT_OPTIONS = { by: { type: 'string' }, reason: { type: 'string' } } as const

export const DESCRIBE_ACT = {
  by: 'Who does it: a name or an address.',
  reason: 'Why, in a few words.',
} as const

export function actOptionsOf(invocation: Invocation): ActOptions {
  const by = text(invocation, 'by')
  const reason = text(invocation, 'reason')
  return { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) }
}
