/**
 * Pages of a list. A page ends at a place in the list's order, and the next page begins after that place. So no row is
 * skipped or listed twice, even when rows are added or removed meanwhile.
 */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'

export interface PageOptions {
  /** The `cursor` of the page before, to get the next one. `null`, the default, begins at the beginning. */
  readonly cursor?: string | null
  /** At most this many rows, from 1 to 10,000. Default: 100. */
  readonly limit?: number
}

/** The fields of {@link PageOptions}, for the schema of a list's options. */
export const pageFields = {
  cursor: z.string().nullish().default(null),
  limit: z.int().min(1).max(10_000).default(100),
}

/** A row's place in the order of a list: first by rank, then by time, then by the delivery's id. */
export interface Place {
  /** 0 or 1. All rows of rank 0 come before all rows of rank 1. */
  readonly rank: number
  /** Microseconds since 1970. A `Date` only has milliseconds, so rows of the same millisecond would be skipped. */
  readonly micros: string
  readonly deliveryId: string
}

type PagedList = 'deadLetters' | 'lanes'

const CURSOR = /^([a-zA-Z]+) ([01]) (\d{1,16}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

function cursorAt(list: PagedList, { rank, micros, deliveryId }: Place): string {
  return Buffer.from(`${list} ${rank} ${micros} ${deliveryId}`).toString('base64url')
}

/**
 * Reads from a cursor the place at which a page ended.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the cursor is not one that this list returned.
 */
export function placeOf(list: PagedList, cursor: string | null): Place | null {
  if (cursor === null) return null
  const [, of, rank, micros, deliveryId] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (of === list && micros && deliveryId) return { rank: Number(rank), micros, deliveryId }
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `${list}.list(): the cursor ${JSON.stringify(cursor.slice(0, 100))} is not one that this list returned. ` +
      'Pass the `cursor` of the page before, unchanged, or none to begin at the beginning.',
  )
}

/** A row of a list, with its place beside it. */
export interface Placed<Value> {
  readonly value: Value
  readonly place: Place
}

/** Returns the first `limit` of these sorted rows, and a cursor if there are more. */
export function pageOf<Value>(
  list: PagedList,
  rows: readonly Placed<Value>[],
  limit: number,
): { readonly values: readonly Value[]; readonly cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const cursor = rows.length > limit && last ? cursorAt(list, last.place) : null
  return { values: shown.map(({ value }) => value), cursor }
}
