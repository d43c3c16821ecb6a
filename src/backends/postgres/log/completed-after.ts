/** What a transactional handler has completed of the log, and its cursors have not passed: rows of `completion`, found by their ids. */
import type { Queryable } from '../connection.ts'
import { idOfDelivery } from '../deliveries/delivery-id.ts'
import { handlerHash } from '../deliveries/publish.ts'
import type { Tables } from '../schema/tables.ts'

interface Behind {
  /** By the name that is stored. */
  readonly handler: string
  readonly after: number
}

/** The numbers of the events. There are no more rows than transactions on their way, of all handlers. */
export async function completedAfter(
  database: Queryable,
  { completion, seqOfDelivery }: Tables,
  { handler, after }: Behind,
): Promise<readonly number[]> {
  const { rows } = await database.query<{ number: number }>(
    `select ${seqOfDelivery}(one.delivery)::float8 as number from ${completion} one where ${BEHIND}`,
    boundsOf({ handler, after }),
  )
  return rows.map(({ number }) => number)
}

/** For a cursor that is moved back: what is read again runs again. What has become a delivery since stays completed. */
export async function forgetCompleted(
  within: Queryable,
  { completion, delivery, queue }: Tables,
  behind: Behind,
): Promise<void> {
  await within.query(
    `delete from ${completion} one where ${BEHIND} and not exists (
      select from ${queue} queue join ${delivery} job on job.name = queue.name and job.id = one.delivery
    )`,
    boundsOf(behind),
  )
}

const BEHIND = `one.delivery >= $1::uuid and right(replace(one.delivery::text, '-', ''), 16) = $2`

/** An id begins with the number of its event. */
function boundsOf({ handler, after }: Behind): string[] {
  const first = idOfDelivery(String(after + 1), handler)
  return [`${first.slice(0, 19)}0000-000000000000`, handlerHash(handler)]
}
