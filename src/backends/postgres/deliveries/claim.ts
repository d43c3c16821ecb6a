/**
 * Claims deliveries that are due, each for one attempt, together with their events, in one round trip.
 *
 * It does not use pg-boss's `fetch`, because of two things that `fetch` does with partitioned queues: one busy key makes it
 * return nothing at all, and a retry is overtaken by its successors. The SQL used instead is in `functions/`.
 */
import type { ClaimBounds, Claimed, ClaimedDelivery, HandlerRoom } from '../../../deliveries/delivery.ts'
import { isPartitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { claimedDelivery, claimedRuns, isTrue, namesIn, queryClaimed } from './claimed-row.ts'
import type { Cells, ClaimedRows } from './claimed-row.ts'
import { withoutWaiting } from './durability.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { Marks, type MarkReport } from './marks.ts'
import { arrayOf } from './settlement-values.ts'

/** Claims up to `limit` deliveries, most urgent first. */
export type Claim = (database: Queryable, limit: number, bounds?: ClaimBounds) => Promise<Claimed>

/** Deliveries of the handlers in `shadows` come without the event's data. */
export function claimFrom(queue: string, tables: Tables, shadows: Shadows = null): Claim {
  return isPartitionedQueue(queue) ? claimLanes(queue, tables, shadows) : claimPlain(queue, tables, shadows)
}

/** Names of shadow handlers. `null`: none, which costs nothing. */
export type Shadows = readonly string[] | null

/** The last row may be a report on the claim instead of a delivery. */
type ReportColumn = 'more' | 'held_back' | 'coming' | 'slow' | 'marks_now'

function claimPlain(queue: string, tables: Tables, shadows: Shadows): Claim {
  const marks = new Marks()
  const names = shadows && arrayOf(shadows)
  const text = withoutWaiting(`${functionName(tables, 'claim_2')}($1, $2, $3::jsonb, $4::jsonb, $5, $6::text::text[])`)
  return async (database, limit, { rooms = [], room = null } = {}) => {
    const values = [queue, limit, limitsOf(rooms), marks.handIn(), room, names]
    const answer = await queryClaimed<ReportColumn>(database, { name: 'claim_2', text }, values)
    marks.learn(marksIn(answer))
    const claimed = claimedFrom(answer, (rows) => rows.map((row) => withItsPast(queue, row, answer.at)))
    return { ...claimed, more: claimed.more || claimed.deliveries.length === limit }
  }
}

/**
 * A walk from lane to lane goes on where the previous claim has stopped. When a round of several claims ends, lanes that it has
 * passed may have become due. So if the round found something, there may be more. If it found nothing, another look is useful,
 * but not at once: the front of the queue may stay blocked for long.
 */
function claimLanes(queue: string, tables: Tables, shadows: Shadows): Claim {
  const marks = new Marks()
  const names = shadows && arrayOf(shadows)
  const text = `select * from ${functionName(tables, 'claim_lanes_2')}($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, $8::text::text[])`
  let walkFrom = ''
  let found = 0
  const heldBack = new Set<string>()
  return async (database, limit, { rooms = [], behind = 0, room = null } = {}) => {
    const from = walkFrom
    walkFrom = '' // after a claim that fails, the walk begins again
    if (from === '') {
      found = 0
      heldBack.clear()
    }
    const values = [queue, limit, limitsOf(rooms), marks.handIn(), from, behind, room, names]
    const answer = await queryClaimed<ReportColumn | 'walk_on'>(database, { name: 'claim_lanes_2', text }, values)
    marks.learn(marksIn(answer))
    const report = reportIn(answer)
    const claimed = claimedFrom(answer, (rows) =>
      claimedRuns(queue, rows, answer.at, (row) => withItsPast(queue, row, answer.at)),
    )
    found += claimed.deliveries.length
    for (const handler of claimed.heldBack) heldBack.add(handler)

    const walkOn = report ? String(report[answer.at.walk_on]) : ''
    const isRoundOver = from !== '' && walkOn === ''
    const more = claimed.more || (isRoundOver && found > 0)
    if (more) walkFrom = walkOn
    return { ...claimed, more, heldBack: [...heldBack], lookAgain: claimed.lookAgain || isRoundOver }
  }
}

/** In the row of a delivery, the column `more` says that the last claim of the delivery was lost. */
function withItsPast(queue: string, row: Cells, at: ClaimedRows<'more'>['at']): ClaimedDelivery {
  return { ...claimedDelivery(queue, row, at), wasLost: isTrue(row[at.more]) }
}

/** Without limits `null`, which saves the functions the work. */
function limitsOf(rooms: readonly HandlerRoom[]): string | null {
  return rooms.length === 0 ? null : JSON.stringify(rooms)
}

function claimedFrom(
  answer: ClaimedRows<ReportColumn>,
  read: (rows: readonly Cells[]) => readonly ClaimedDelivery[],
): Claimed {
  const { rows, at } = answer
  const report = reportIn(answer)
  return {
    deliveries: read(report ? rows.slice(0, -1) : rows),
    more: isTrue(report?.[at.more]),
    heldBack: namesIn(report?.[at.held_back]),
    lookAgain: isTrue(report?.[at.coming]),
  }
}

function reportIn({ rows, at }: ClaimedRows<ReportColumn>): Cells | null {
  const last = rows.at(-1)
  return last?.[at.id] === null ? last : null
}

function marksIn(answer: ClaimedRows<ReportColumn>): MarkReport | null {
  const report = reportIn(answer)
  if (!report) return null
  const marks = report[answer.at.marks_now]
  return { isSlow: isTrue(report[answer.at.slow]), marks: marks === null ? null : String(marks) }
}
