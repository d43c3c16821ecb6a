/** Dead letters, and what an operator can do about them: `bus.deadLetters`. */
import { z } from 'zod'
import { NAME } from '../names.ts'
import type { ActReport, BatchActOptions } from './acts.ts'
import type { AttemptError } from './delivery.ts'
import { pageFields, type PageOptions } from './page.ts'
import { storableText } from './storable-text.ts'

/** A delivery that died. It is kept with its errors, and is tried again only if an operator says so. */
export interface DeadLetter {
  readonly deliveryId: string
  readonly queue: string
  readonly handler: string
  readonly eventId: string | null
  readonly eventType: string | null
  readonly partitionKey: string | null
  /** Why it died: the last attempt's error, or what `discard` said. */
  readonly reason: string
  /** The error of each attempt, oldest first, at most the latest 20. */
  readonly attempts: readonly AttemptError[]
  /** `true`: its partition key waits until this dead letter is retried or dismissed. */
  readonly blocksKey: boolean
  readonly diedAt: Date
}

/** Selects dead letters: all given fields must match. Leave a field out instead of setting it to undefined. */
export interface DeadLetterFilter {
  readonly deliveryIds?: readonly string[]
  readonly handler?: string
  readonly eventType?: string
  /** The last attempt's error: its code, or its name, such as `TypeError`. */
  readonly error?: string
}

/** The dead letters that an act applies to: a filter with at least one field, or all open ones. */
export type DeadLetterSelection = (DeadLetterFilter & { readonly all?: never }) | { readonly all: true }

export type DeadLetterQuery = DeadLetterFilter & PageOptions

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[]
  /** Pass it to get the next page; `null` when this was the last one. */
  readonly cursor: string | null
}

/** `bus.deadLetters`: deliveries that died, and what an operator can do about them. */
export interface DeadLetters {
  /**
   * Lists open dead letters page by page, oldest first. Runs in the operator's own process; changes nothing.
   *
   * @example
   * let cursor: string | null = null
   * do {
   *   const page: DeadLetterPage = await bus.deadLetters.list({ handler: 'finances.create-invoice', cursor })
   *   for (const letter of page.deadLetters) console.log(letter.deliveryId, letter.reason)
   *   cursor = page.cursor
   * } while (cursor !== null)
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, or a cursor of another list.
   */
  list(query?: DeadLetterQuery): Promise<DeadLetterPage>
  /** Returns how many open dead letters match. */
  count(filter?: DeadLetterFilter): Promise<number>
  /**
   * Delivers dead letters again, each with all its attempts. A dead letter that did not block its partition key runs after the
   * deliveries of that key that have run meanwhile; dead letters of one key keep their order. Returns how many are delivered
   * again. A dead letter whose stored job is gone stays a dead letter. Works in batches: if it is interrupted, call it again
   * to go on.
   *
   * @example await bus.deadLetters.retry({ handler: 'finances.create-invoice' }, { by: 'ada', reason: 'tax service is back' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the selection is empty; for all, pass `{ all: true }`.
   */
  retry(which: DeadLetterSelection, act?: BatchActOptions): Promise<ActReport>
  /**
   * Gives dead letters up for good; a key that one of them blocked goes on. The rows stay, but are not listed any more.
   *
   * @example await bus.deadLetters.dismiss({ deliveryIds: [letter.deliveryId] }, { by: 'ada', reason: 'refunded by hand' })
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the selection is empty; for all, pass `{ all: true }`.
   */
  dismiss(which: DeadLetterSelection, act?: BatchActOptions): Promise<ActReport>
}

// An optional field can be left out, but must not be undefined: `{ handler: undefined }` would mean every handler.
const filterFields = {
  deliveryIds: z.array(z.guid()).exactOptional(),
  handler: z.string().regex(NAME).exactOptional(),
  eventType: z.string().regex(NAME).exactOptional(),
  error: storableText(200).exactOptional(),
}

export const deadLetterFilter = z.strictObject(filterFields)
export const deadLetterQuery = z.strictObject({ ...filterFields, ...pageFields })
/** A query that was checked, with its defaults. */
export type CheckedDeadLetterQuery = z.output<typeof deadLetterQuery>
export const deadLetterSelection = z
  .strictObject({ ...filterFields, all: z.literal(true).exactOptional() })
  .refine(
    ({ all, ...filter }) => (all === true) !== Object.keys(filter).length > 0,
    'expected deliveryIds, handler, eventType or error, or { all: true } alone for every open dead letter',
  )
  .transform(({ all: _all, ...filter }) => filter)
