/** What an operator can do to stored events: `bus.events.redact` and `bus.events.delete`. */
import { z } from 'zod'
import type { ActReport, PreviewedActOptions } from '../deliveries/acts.ts'
import { storableText } from '../deliveries/storable-text.ts'
import { NAME } from '../names.ts'

/** Selects events: all given fields must match. Published at `since` or later, and before `until`. */
export interface EventSelection {
  /** A type's name, or a pattern in which `*` stands for any characters. */
  readonly type?: string
  readonly partitionKey?: string
  readonly correlationId?: string
  readonly since?: Date
  readonly until?: Date
}

export interface RedactOptions extends PreviewedActOptions {
  /**
   * What happens to a delivery of the event that still waits. `'dead-letter'` (the default): it becomes a dead letter that says why, and
   * its key goes on. `'deliver'`: its handler gets what is left of the event.
   */
  readonly pending?: 'dead-letter' | 'deliver'
}

export interface DeleteReport extends ActReport {
  /** How many matching events stay, because a delivery of the event waits or runs, or a dead letter is open. */
  readonly kept: number
}

/** The acts of `bus.events`. */
export interface EventActs {
  /**
   * Erases the data and the metadata of one event, by its id, or of all matching events. Also erases the messages and stacks of errors
   * that are stored with their deliveries. Id, type, key, times, correlation and history stay, and of the data the names of fields and
   * the lengths of lists. `metadata.redacted` says when, by whom and why. It cannot be undone, except from your backups.
   *
   * @example await bus.events.redact({ partitionKey: 'customer-17' }, { by: 'ada', reason: 'asked to be forgotten' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the selection is empty; `POSTBUS_NO_SUCH_EVENT` for an id that is not
   * stored.
   */
  redact(which: string | EventSelection, act?: RedactOptions): Promise<ActReport>
  /**
   * Deletes matching events of any age, with their history. An event stays, and is counted as kept, if a delivery of it waits or
   * runs, or a dead letter is open. After that, an event with a deleted id can be published again.
   *
   * @example
   * const { count, kept } = await bus.events.delete({ type: 'imports.*', until: lastYear }, { by: 'ada', reason: 'import is over' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the selection is empty; to delete all events, pass `{ all: true }`.
   */
  delete(which: EventSelection | { readonly all: true }, act?: PreviewedActOptions): Promise<DeleteReport>
}

const fields = {
  type: z
    .string()
    .refine(
      (pattern) => NAME.test(pattern.replaceAll('*', 'x')),
      'expected an event type or a pattern, such as "orders.*"',
    )
    .exactOptional(),
  partitionKey: storableText(512).exactOptional(),
  correlationId: storableText(512).exactOptional(),
  since: z.date().exactOptional(),
  until: z.date().exactOptional(),
}

const named = (filter: object) => Object.keys(filter).length > 0
const NOTHING_NAMED = 'expected type, partitionKey, correlationId, since or until'

export const redactSelection = z.strictObject(fields).refine(named, NOTHING_NAMED)
export const deleteSelection = z
  .strictObject({ ...fields, all: z.literal(true).exactOptional() })
  .refine(
    ({ all, ...filter }) => (all === true) !== named(filter),
    `${NOTHING_NAMED}, or { all: true } alone for every event`,
  )
  .transform(({ all: _all, ...filter }) => filter)
export const pendingOption = z.strictObject({ pending: z.enum(['dead-letter', 'deliver']).default('dead-letter') })

export type CheckedSelection = z.output<typeof redactSelection>
