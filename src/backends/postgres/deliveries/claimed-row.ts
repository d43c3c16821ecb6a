/**
 * Reads the rows of statements that claim. Our own connections return rows as arrays of text, which saves a third of the time
 * per row. In a test's drain, on the transaction of another client, they are arrays of values that are parsed already.
 *
 * Nothing here may throw: these deliveries are claimed, and must reach their attempt, which opens payload and metadata.
 */
import type { CustomTypesConfig } from 'pg'
import type { ClaimedDelivery, StoredEvent } from '../../../deliveries/delivery.ts'
import type { Queryable } from '../connection.ts'
import { timestampFrom } from './timestamp-from.ts'

/** The columns of `DELIVERY_COLUMNS`. */
type DeliveryColumn =
  | 'id'
  | 'handler'
  | 'claim'
  | 'attempt'
  | 'seq'
  | 'event_id'
  | 'type'
  | 'version'
  | 'partition_key'
  | 'payload'
  | 'correlation_id'
  | 'causation_id'
  | 'source'
  | 'metadata'
  | 'occurred_at'
  | 'expires_at'
  | 'rest'

/** Text, `null`, or, in a test's drain, a value that is parsed already. */
type Cell = string | number | bigint | boolean | Date | readonly string[] | null | undefined

/** A row, read by the positions of its columns. */
export type Cells = readonly Cell[]

/** The position of each column in a row. */
type Places<Column extends string = DeliveryColumn> = Readonly<Record<Column, number>>

export interface ClaimedRows<Column extends string> {
  readonly rows: readonly Cells[]
  readonly at: Places<Column | DeliveryColumn>
}

/** Runs a statement whose rows may be deliveries, and have these additional columns. */
export async function queryClaimed<Column extends string>(
  database: Queryable,
  statement: { readonly name: string; readonly text: string },
  values: readonly unknown[],
): Promise<ClaimedRows<Column>> {
  // `Queryable` declares only what every statement needs. A pool takes these options too, and a test's transaction those it needs.
  const able = database as unknown as CellQueryable
  const { fields, rows } = await able.query({ ...statement, values, rowMode: 'array', types: AS_TEXT })
  const names = fields ? fields.map(({ name }) => name) : Object.keys(rows[0] ?? {})
  // The caller knows the columns of its statement.
  const at = Object.fromEntries(names.map((name, place) => [name, place])) as Places<Column | DeliveryColumn>
  return { rows: rows.map((row) => (isCells(row) ? row : names.map((name) => row[name]))), at }
}

interface CellQueryable {
  query(statement: {
    /** Prepared once for each connection. */
    readonly name: string
    readonly text: string
    readonly values: readonly unknown[]
    readonly rowMode: 'array'
    readonly types: CustomTypesConfig
  }): Promise<{
    readonly fields?: readonly { readonly name: string }[]
    readonly rows: readonly (Cells | Readonly<Record<string, Cell>>)[]
  }>
}

const AS_TEXT: CustomTypesConfig = { getTypeParser: () => (text: unknown) => text }

function isCells(row: object): row is Cells {
  return Array.isArray(row)
}

/** Deliveries, each with those behind it. A row without a claim belongs to the run of the last row that has one. */
export function claimedRuns(
  queue: string,
  rows: readonly Cells[],
  at: Places,
  read = (row: Cells) => claimedDelivery(queue, row, at),
): readonly ClaimedDelivery[] {
  const heads: ClaimedDelivery[] = []
  let behind: ClaimedDelivery[] = []
  for (const row of rows) {
    const delivery = read(row)
    if (row[at.claim] === null) {
      behind.push({ ...delivery, claim: heads.at(-1)?.claim ?? 0 })
    } else {
      behind = []
      heads.push({ ...delivery, behind })
    }
  }
  return heads
}

const NONE: readonly ClaimedDelivery[] = []

export function claimedDelivery(queue: string, row: Cells, at: Places): ClaimedDelivery {
  return {
    id: textIn(row[at.id]),
    queue,
    handler: textIn(row[at.handler]),
    claim: Number(row[at.claim]),
    attempt: Number(row[at.attempt]),
    event: row[at.seq] === null ? null : storedEvent(row, at),
    behind: NONE,
  }
}

/** The event's own columns. */
export function storedEvent(row: Cells, at: Places): StoredEvent {
  return {
    seq: textIn(row[at.seq]),
    id: textIn(row[at.event_id]),
    type: textIn(row[at.type]),
    version: Number(row[at.version]),
    partitionKey: textOrNull(row[at.partition_key]),
    payload: textOrNull(row[at.payload]),
    correlationId: textOrNull(row[at.correlation_id]),
    causationId: textOrNull(row[at.causation_id]),
    source: textOrNull(row[at.source]),
    metadata: textOrNull(row[at.metadata]),
    occurredAt: dateIn(row[at.occurred_at]),
    expiresAt: row[at.expires_at] === null ? null : dateIn(row[at.expires_at]),
    rest: textOrNull(row[at.rest]),
  }
}

/** Some clients return integers as numbers. */
function textIn(cell: Cell): string {
  return typeof cell === 'string' ? cell : String(cell ?? '')
}

function textOrNull(cell: Cell): string | null {
  return cell === null ? null : textIn(cell)
}

function dateIn(cell: Cell): Date {
  return cell instanceof Date ? cell : timestampFrom(textIn(cell))
}

export function isTrue(cell: Cell): boolean {
  return cell === 't' || cell === true
}

/** Names of handlers contain no character that needs quotes in the text of an array. */
export function namesIn(cell: Cell): readonly string[] {
  if (Array.isArray(cell)) return cell.map(String)
  return textIn(cell).match(/[^{},]+/g) ?? []
}
