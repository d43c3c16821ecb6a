/** Finds events of the log that a transactional handler has completed and its cursors have not passed, in the rows of `completion`. */
import type { Queryable } from '../connection.ts'
import { idOfDelivery } from '../deliveries/delivery-id.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'
import type { Tables } from '../schema/tables.ts'

interface Behind {
  /** The handler's stored name. */
  readonly handler: string
  readonly after: number
}

/** Returns the numbers of the events. There are at most as many rows as transactions in progress, of all handlers. */
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

/** For a cursor that is moved back: events that it reads again run again. An event that has become a delivery since stays completed. */
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

/** The lowest id of an event after `after`, and the hash of the handler. A delivery's id begins with its event's number and ends with the hash. */
function boundsOf({ handler, after }: Behind): string[] {
  const first = idOfDelivery(String(after + 1), handler)
  return [`${first.slice(0, 19)}0000-000000000000`, handlerHash(handler)]
}
