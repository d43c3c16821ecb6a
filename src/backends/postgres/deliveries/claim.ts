/**
 * Claiming: taking deliveries that are due for one attempt each, together with their events, in one round trip.
 *
 * Not pg-boss's `fetch`, because of two things it does with partitioned queues: one busy key makes it return nothing
 * at all, and a retry is overtaken by its successors. What happens instead is in `functions/`.
 */
import type { Claimed, ClaimedDelivery, HandlerRoom, StoredEvent } from '../../../deliveries/delivery.ts'
import { isPartitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { withoutWaiting } from './durability.ts'
import type { QueueState } from '../queues/queues.ts'

export interface ClaimedRow {
  readonly id: string
  readonly handler: string | null
  readonly claim: number
  readonly attempt: number
  readonly seq: string | null
  readonly event_id: string
  readonly type: string
  readonly version: number
  readonly partition_key: string | null
  readonly payload: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly source: string | null
  readonly metadata: string | null
  readonly occurred_at: Date
  readonly expires_at: Date | null
}

/** Claims up to `limit` deliveries, most urgent first, and of the handlers in `rooms` no more than these allow. */
export type Claim = (database: Queryable, limit: number, rooms?: readonly HandlerRoom[]) => Promise<Claimed>

export function claimFrom(queue: QueueState): Claim {
  return isPartitionedQueue(queue.name) ? claimLanes(queue) : claimPlain(queue)
}

/** The last row may be no delivery: it tells how the claim went. */
type Row = ClaimedRow | ({ readonly id: null } & Report)

interface Report {
  readonly more: boolean | null
  readonly held_back: readonly string[] | null
  readonly coming: boolean | null
}

function claimPlain({ name, functions }: QueueState): Claim {
  return async (database, limit, rooms = []) => {
    const { rows } = await database.query<Row>(withoutWaiting(`${functions.claim}($1, $2::jsonb)`), [
      limit,
      limitsOf(rooms),
    ])
    const claimed = claimedFrom(name, rows)
    return { ...claimed, more: claimed.more || claimed.deliveries.length === limit }
  }
}

type LaneRow = ClaimedRow | ({ readonly id: null; walk_on: string } & Report)

/**
 * A walk from lane to lane goes on where the claim before has stopped. At the end of a round of several claims lanes may have
 * become due that it had passed. So if it found something, there may be more; if it found nothing, it is worth another look,
 * but not at once: whoever holds up the front of the queue can hold it for long.
 */
function claimLanes({ name, functions }: QueueState): Claim {
  let walkFrom = ''
  let found = 0
  const heldBack = new Set<string>()
  return async (database, limit, rooms = []) => {
    const from = walkFrom
    walkFrom = '' // whoever fails begins anew
    if (from === '') {
      found = 0
      heldBack.clear()
    }
    const values = [limit, from, limitsOf(rooms)]
    const { rows } = await database.query<LaneRow>(`select * from ${functions.claim}($1, $2, $3::jsonb)`, values)
    const last = rows.at(-1)
    const claimed = claimedFrom(name, rows)
    found += claimed.deliveries.length
    for (const handler of claimed.heldBack) heldBack.add(handler)

    const walkOn = last?.id === null ? last.walk_on : ''
    const isRoundOver = from !== '' && walkOn === ''
    const more = claimed.more || (isRoundOver && found > 0)
    if (more) walkFrom = walkOn
    return { ...claimed, more, heldBack: [...heldBack], lookAgain: claimed.lookAgain || isRoundOver }
  }
}

/** Without limits the functions do nothing about them. */
function limitsOf(rooms: readonly HandlerRoom[]): string | null {
  return rooms.length === 0 ? null : JSON.stringify(rooms)
}

function claimedFrom(queue: string, rows: readonly Row[]): Claimed {
  const last = rows.at(-1)
  const report = last?.id === null ? last : null
  const deliveries = rows.filter((row) => row.id !== null).map((row) => claimedDelivery(queue, row))
  return {
    deliveries,
    more: report?.more ?? false,
    heldBack: report?.held_back ?? [],
    lookAgain: report?.coming ?? false,
  }
}

export function claimedDelivery(queue: string, row: ClaimedRow): ClaimedDelivery {
  return {
    id: row.id,
    queue,
    handler: row.handler ?? '',
    claim: row.claim,
    attempt: row.attempt,
    event: row.seq === null ? null : storedEvent(row, row.seq),
  }
}

function storedEvent(row: ClaimedRow, seq: string): StoredEvent {
  return {
    seq,
    id: row.event_id,
    type: row.type,
    version: row.version,
    partitionKey: row.partition_key,
    payload: row.payload,
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    source: row.source,
    metadata: row.metadata,
    occurredAt: row.occurred_at,
    expiresAt: row.expires_at,
  }
}
