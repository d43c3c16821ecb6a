/** Settling: ending attempts, a group of them in one round trip. What the database does then is in `functions/settle.ts`. */
import type { ClaimedDelivery, Settled, Settlement } from '../../backend.ts'
import { isPartitionedQueue } from '../../names.ts'
import { claimedDelivery, type ClaimedRow } from './claim.ts'
import type { Queryable } from './connection.ts'
import { withoutWaiting } from './durability.ts'
import type { QueueState } from './queues.ts'

type SettledRow = { readonly settled: string; readonly more?: boolean } & ({ readonly id?: null } | ClaimedRow)

const NOTHING: Settled = { ours: new Set(), next: new Map(), more: false }

export async function settleDeliveries(
  database: Queryable,
  queue: QueueState,
  settlements: readonly Settlement[],
): Promise<Settled> {
  if (settlements.length === 0) return NOTHING
  const isPartitioned = isPartitionedQueue(queue.name)
  const call = `${queue.functions.settle}($1::jsonb)`
  const waits = isPartitioned || settlements.some((settlement) => settlement.is === 'dead')
  const { rows } = await database.query<SettledRow>(waits ? `select * from ${call}` : withoutWaiting(call), [
    JSON.stringify(settlements.map((settlement) => rowOf(settlement, isPartitioned))),
  ])
  const next = new Map<string, ClaimedDelivery>()
  for (const row of rows) if (row.id) next.set(row.settled, claimedDelivery(queue.name, row))
  return { ours: new Set(rows.map((row) => row.settled)), next, more: rows[0]?.more ?? false }
}

function rowOf(settlement: Settlement, isPartitioned: boolean) {
  return {
    id: settlement.delivery.id,
    claim: settlement.delivery.claim,
    outcome: settlement.is,
    delay_ms: 'delayMs' in settlement ? settlement.delayMs : 0,
    error: 'error' in settlement ? settlement.error : null,
    reason: 'reason' in settlement ? settlement.reason : null,
    blocks: settlement.is === 'dead' && settlement.onDead === 'block' && isPartitioned,
    take_next: settlement.takeNext ?? false,
  }
}
