/** Which queues have anything to claim: one statement for all that a worker is not busy with. */
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

export async function dueQueues(
  database: Queryable,
  tables: Tables,
  queues: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await database.query<{ queue: string }>({
    name: 'due',
    text: `select ${functionName(tables, 'due')}($1) as queue`,
    values: [[...queues]],
  })
  return rows.map(({ queue }) => queue)
}
