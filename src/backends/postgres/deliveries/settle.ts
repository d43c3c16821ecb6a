/** Settling: ending attempts, a group of them in one round trip. What the database does then is in `functions/settle.ts`. */
import type { ClaimedDelivery, Settled, Settlement } from '../../../deliveries/delivery.ts'
import { isPartitionedQueue } from '../../../names.ts'
import { claimedDelivery, isTrue, queryClaimed } from './claimed-row.ts'
import type { Queryable } from '../connection.ts'
import { withoutWaiting } from './durability.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

const NOTHING: Settled = { ours: new Set(), next: new Map(), more: false }

export async function settleDeliveries(
  database: Queryable,
  tables: Tables,
  queue: string,
  settlements: readonly Settlement[],
): Promise<Settled> {
  if (settlements.length === 0) return NOTHING
  const inLanes = isPartitionedQueue(queue)
  const done = settlements.filter(({ is }) => is === 'done')
  const others = settlements.filter(({ is }) => is !== 'done')
  const values = [
    queue,
    arrayOf(done.map(({ delivery }) => delivery.id)),
    arrayOf(done.map(({ delivery }) => delivery.claim)),
    others.length === 0 ? null : JSON.stringify(others.map((other) => rowOf(other, inLanes))),
  ]
  const call = `${functionName(tables, 'settle')}(${OUTCOMES})`
  const endsRun = () => arrayOf(settlements.filter(({ takeNext }) => !takeNext).map(({ delivery }) => delivery.id))
  const statement = inLanes
    ? {
        name: 'settle_lanes',
        text: `select * from ${functionName(tables, 'settle_lanes')}(${OUTCOMES}, $5::text::uuid[])`,
      }
    : others.some(isDead)
      ? { name: 'settle_dead', text: `select * from ${call}` }
      : { name: 'settle', text: withoutWaiting(call) }
  const given = inLanes ? [...values, endsRun()] : values
  const { rows, at } = await queryClaimed<'settled' | 'more'>(database, statement, given)
  if (rows.length === 1 && rows[0]?.[at.settled] === null) return allOf(settlements)
  const next = new Map<string, ClaimedDelivery>()
  for (const row of rows) if (row[at.id]) next.set(String(row[at.settled]), claimedDelivery(queue, row, at))
  return { ours: new Set(rows.map((row) => String(row[at.settled]))), next, more: isTrue(rows[0]?.[at.more]) }
}

/** One row without an id stands for all of them. */
function allOf(settlements: readonly Settlement[]): Settled {
  return { ours: new Set(settlements.map(({ delivery }) => delivery.id)), next: new Map(), more: false }
}

/** As text, which every client sends as it is: a test's drain runs this on the transaction of any of them. */
const OUTCOMES = '$1, $2::text::uuid[], $3::text::bigint[], $4::jsonb'

/** An array as Postgres reads it. Ids and numbers need no quotes. */
function arrayOf(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`
}

function isDead(settlement: Settlement): boolean {
  return settlement.is === 'dead'
}

function rowOf(settlement: Settlement, inLanes: boolean) {
  return {
    id: settlement.delivery.id,
    claim: settlement.delivery.claim,
    outcome: settlement.is,
    delay_ms: 'delayMs' in settlement ? settlement.delayMs : 0,
    error: 'error' in settlement ? settlement.error : null,
    reason: 'reason' in settlement ? settlement.reason : null,
    blocks: settlement.is === 'dead' && settlement.onDead === 'block' && inLanes,
  }
}
