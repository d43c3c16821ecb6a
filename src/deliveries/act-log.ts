/** The record of what operators did: `bus.acts`. */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import { ACT_NAMES, type ActName } from './acts.ts'
import { pageFields, type PageOptions } from './page.ts'
import { storableText } from './storable-text.ts'

/** One act. Its row is written in the act's own transaction: an act is recorded if and only if it was done. */
export interface RecordedAct {
  readonly id: string
  /** The name of its function on the bus, such as `lanes.retryAll`. */
  readonly act: ActName
  /** What it was applied to: the filter, or the lane, as the caller gave it. */
  readonly filter: Readonly<Record<string, unknown>>
  readonly by: string | null
  readonly reason: string | null
  /**
   * How many deliveries it touched. An act in batches adds to this with each committed batch, so an interrupted act shows how
   * far it came.
   */
  readonly count: number
  readonly beganAt: Date
  /** When its last batch was done. */
  readonly endedAt: Date
}

/** All given fields must match. Selects acts that began at `since` or later, and before `until`. */
export interface ActFilter {
  readonly act?: ActName
  readonly by?: string
  readonly since?: Date
  readonly until?: Date
}

export type ActQuery = ActFilter & PageOptions

export interface ActPage {
  readonly acts: readonly RecordedAct[]
  /** Pass it to get the next page; `null` when this was the last one. */
  readonly cursor: string | null
}

export interface Acts {
  /**
   * Lists acts page by page, the latest first.
   *
   * @example
   * const { acts } = await bus.acts.list({ act: 'deadLetters.retry', since: yesterday })
   * for (const { by, reason, count } of acts) console.log(by, reason, count)
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, or a cursor of another list.
   */
  list(query?: ActQuery): Promise<ActPage>
}

export const actQuery = z.strictObject({
  act: z.enum(ACT_NAMES).exactOptional(),
  by: storableText(512).exactOptional(),
  since: z.date().exactOptional(),
  until: z.date().exactOptional(),
  ...pageFields,
})

/** A query that was checked, with its defaults. */
export type CheckedActQuery = z.output<typeof actQuery>

const CURSOR = /^acts (\d{1,18})$/

export function actCursor(id: string): string {
  return Buffer.from(`acts ${id}`).toString('base64url')
}

/** The id of the act at which a page ended. */
export function actBefore(cursor: string | null): string | null {
  if (cursor === null) return null
  const [, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (id) return id
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `acts.list(): the cursor ${JSON.stringify(cursor.slice(0, 100))} is not one that this list returned. ` +
      'Pass the `cursor` of the page before, unchanged, or none to begin at the beginning.',
  )
}
