/** Selects stored events of the log, for replays and for the export of events. */
import { z } from 'zod'
import { isEventType, type EventType } from '../events/event.ts'
import { NAME } from '../names.ts'

/** Selects stored events: all given fields must match. Leave a field out instead of setting it to undefined. */
export interface LogFilter {
  /** Event types, by their definition or name, or patterns: `'orders.*'`. */
  readonly types?: readonly (EventType | string)[]
  /** Published at this time or later. */
  readonly since?: Date
  /** Published before this time. */
  readonly until?: Date
  readonly partitionKeys?: readonly string[]
}

/** A name in which `*` stands for any characters. */
const isPattern = (text: unknown): text is string => typeof text === 'string' && NAME.test(text.replaceAll('*', 'x'))

const type = z
  .custom<EventType | string>((given) => isPattern(given) || isEventType(given), {
    error: "expected an event type, its name, or a pattern such as 'orders.*'",
  })
  .transform((given) => (typeof given === 'string' ? given : given.type))

// An optional field can be left out, but must not be undefined: otherwise `{ since: undefined }` would mean everything.
export const logFilterFields = {
  types: z.array(type).min(1).exactOptional(),
  since: z.date().exactOptional(),
  until: z.date().exactOptional(),
  partitionKeys: z.array(z.string().min(1)).min(1).exactOptional(),
}

export const logFilter = z.strictObject(logFilterFields)

export type CheckedLogFilter = z.output<typeof logFilter>

/** A pattern as the source of a regular expression that means the same in JavaScript and Postgres. */
export function patternSource(pattern: string): string {
  return `^${pattern
    .split('*')
    .map((part) => part.replace(/[.-]/g, String.raw`\$&`))
    .join('.*')}$`
}
