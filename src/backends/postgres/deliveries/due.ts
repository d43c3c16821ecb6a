/** Finds the queues that have something to claim, with one statement for all queues that a worker is not busy with. */
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
