/** Asks which newer event supersedes a delivery, and ends the deliveries between the two: see `functions/supersede.ts`. */
import type { ClaimedDelivery } from '../../../deliveries/delivery.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

export async function supersede(
  database: Queryable,
  tables: Tables,
  { queue, id }: Pick<ClaimedDelivery, 'queue' | 'id'>,
): Promise<string | null> {
  const { rows } = await database.query<{ newer: string | null }>({
    name: 'supersede',
    text: `select ${functionName(tables, 'supersede')}($1::text, $2::text::uuid) as newer`,
    values: [queue, id],
  })
  return rows[0]?.newer ?? null
}
