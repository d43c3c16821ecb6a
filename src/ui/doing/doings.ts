/** Everything that can be done on the page, by the name that it has in addresses. */
import { dismissDeadLetters, retryDeadLetters } from './dead-letters.ts'
import type { Doing } from './doing.ts'

export const DOINGS = {
  'retry-dead-letters': retryDeadLetters,
  'dismiss-dead-letters': dismissDeadLetters,
} as const satisfies Record<string, Doing>

export type DoingName = keyof typeof DOINGS
