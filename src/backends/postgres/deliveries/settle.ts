/** Settles: ends a group of attempts in one round trip. The SQL for this is in `functions/settle.ts`. */
import { NOTHING_SETTLED, type Settled, type Settlement } from '../../../deliveries/delivery.ts'
import { isPartitionedQueue } from '../../../names.ts'
import type { Shadows } from './claim.ts'
import { queryClaimed } from './claimed-row.ts'
import type { Queryable } from '../connection.ts'
import { withoutWaiting } from './durability.ts'
import type { Tables } from '../schema/tables.ts'
import { settleCall, withCompleted } from './settle-call.ts'
import { arrayOf, othersOf } from './settlement-values.ts'
import { settleLanes } from './settle-lanes.ts'

/** The settlements of one call, and the handlers that need more than a plain settle. */
export interface Settling {
  readonly queue: string
  readonly settlements: readonly Settlement[]
  readonly shadows?: Shadows
  /** Handlers that commit their effects with a completion row, which is deleted now: see `functions/own-commits.ts`. */
  readonly transactional?: ReadonlySet<string>
}

export async function settleDeliveries(database: Queryable, tables: Tables, settling: Settling): Promise<Settled> {
  const { queue, settlements, shadows = null, transactional } = settling
  if (settlements.length === 0) return NOTHING_SETTLED
  const completed = completedOf(settlements, transactional)
  return isPartitionedQueue(queue)
    ? settleLanes(database, tables, { queue, settlements, shadows, completed })
    : settlePlain(database, tables, { queue, settlements, completed })
}

function completedOf(settlements: readonly Settlement[], transactional?: ReadonlySet<string>): readonly string[] {
  if (!transactional || transactional.size === 0) return []
  return settlements
    .filter(({ delivery }) => transactional.has(delivery.handler))
    .flatMap(({ delivery, ran = [] }) => [...ran.map((one) => one.delivery.id), delivery.id])
}

async function settlePlain(
  database: Queryable,
  tables: Tables,
  { queue, settlements, completed }: Pick<Settling, 'queue' | 'settlements'> & { completed: readonly string[] },
): Promise<Settled> {
  const done = settlements.filter(({ is }) => is === 'done')
  const values = [
    queue,
    arrayOf(done.map(({ delivery }) => delivery.id)),
    arrayOf(done.map(({ delivery }) => delivery.claim)),
    othersOf(settlements, false),
    ...withCompleted(completed),
  ]
  // Values are sent as text, which every client passes on unchanged: a test's drain runs this on the transaction of any client.
  const takes = '$1, $2::text::uuid[], $3::text::bigint[], $4::jsonb'
  const { name, call } = settleCall(tables, 'settle_2', takes, completed)
  const statement = settlements.some(({ is }) => is === 'dead')
    ? { name: `${name}_dead`, text: `select * from ${call}` }
    : { name, text: withoutWaiting(call) }
  const { rows, at } = await queryClaimed<'settled'>(database, statement, values)
  // A single row without an id means: all of them were ours.
  const areAll = rows.length === 1 && rows[0]?.[at.settled] === null
  const ours = areAll ? settlements.map(({ delivery }) => delivery.id) : rows.map((row) => String(row[at.settled]))
  return { ...NOTHING_SETTLED, ours: new Set(ours) }
}
