/** Dead letters: listing them, delivering them again, and dismissing them. Operators do this; code never does. */
import type {
  CheckedDeadLetterQuery,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
} from '../../../deliveries/dead-letters.ts'
import { pageOf, placeOf } from '../../../deliveries/page.ts'
import { inTransaction, type Database, type Queryable } from '../connection.ts'
import { attemptOf, functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** Open dead letters, oldest first. */
export async function listDeadLetters(
  database: Queryable,
  tables: Tables,
  { cursor: given, limit, ...filter }: CheckedDeadLetterQuery,
): Promise<DeadLetterPage> {
  const after = placeOf('deadLetters', given)
  const { rows } = await database.query<DeadLetter & { readonly micros: string }>(
    `select delivery_id as "deliveryId", queue, handler, event_id as "eventId", event_type as "eventType",
      partition_key as "partitionKey", reason, attempts, blocks_key as "blocksKey", died_at as "diedAt",
      (extract(epoch from died_at) * 1000000)::bigint::text as micros
    from ${tables.deadLetter}
    where ${OPEN_AND_MATCHING} and (
      $4::bigint is null
      or (died_at, delivery_id) > (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::uuid)
    )
    order by died_at, delivery_id
    limit $6`,
    [...filterValues(filter), after?.micros ?? null, after?.deliveryId ?? null, limit + 1],
  )
  const placed = rows.map(({ micros, ...letter }) => ({
    value: letter,
    place: { rank: 0, micros, deliveryId: letter.deliveryId },
  }))
  const { values: deadLetters, cursor } = pageOf('deadLetters', placed, limit)
  return { deadLetters, cursor }
}

export async function countDeadLetters(database: Queryable, tables: Tables, filter: DeadLetterFilter): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from ${tables.deadLetter} where ${OPEN_AND_MATCHING}`,
    filterValues(filter),
  )
  return Number(rows[0]?.count ?? 0)
}

/**
 * Puts deliveries back into their queues with all their attempts, and removes the dead letters. Raising the limit by the
 * attempts that were used lets the count begin at 1 again. The errors of earlier attempts stay with the delivery. A delivery whose job was deleted meanwhile stays a dead letter.
 */
export async function retryDeadLetters(pool: Database, tables: Tables, filter: DeadLetterFilter): Promise<number> {
  return inGroups(pool, tables, filter, (group) => retryGroup(pool, tables, group))
}

/** Gives dead letters up for good. They stay in the table, marked; a key that one of them blocked goes on. */
export async function dismissDeadLetters(pool: Database, tables: Tables, filter: DeadLetterFilter): Promise<number> {
  return inGroups(pool, tables, filter, (group) =>
    inTransaction(pool, (database) => dismissGroup(database, tables, group)),
  )
}

interface Group extends DeadLetterFilter {
  readonly blocksKey: boolean
}

/**
 * Those that block no key in one transaction, then each of the others in one of its own: the head of a lane is wanted by
 * settles too, which take the heads of several lanes in an order of theirs. An act that holds one head at a time blocks none of them.
 */
async function inGroups(
  database: Queryable,
  tables: Tables,
  filter: DeadLetterFilter,
  act: (group: Group) => Promise<number>,
): Promise<number> {
  const { rows } = await database.query<{ delivery_id: string }>(
    `select delivery_id from ${tables.deadLetter} where ${OPEN_AND_MATCHING} and blocks_key order by died_at, delivery_id`,
    filterValues(filter),
  )
  let count = await act({ ...filter, blocksKey: false })
  for (const { delivery_id } of rows) {
    count += await act({ ...filter, deliveryIds: [delivery_id], blocksKey: true })
  }
  return count
}

/** Chosen in the order of their ids, so that two operators whose choices overlap wait in one direction only. */
function chosenGroup(tables: Tables): string {
  return `chosen as (
      select delivery_id, queue, blocks_key from ${tables.deadLetter} where ${OPEN_AND_MATCHING} and blocks_key = $4
      order by delivery_id
      for update
    )`
}

async function retryGroup(database: Queryable, tables: Tables, group: Group): Promise<number> {
  const { rows } = await database.query(
    `with ${chosenGroup(tables)}, revived as (
      update ${tables.delivery} job set
        state = 'retry',
        start_after = ${tables.clock},
        completed_on = null,
        heartbeat_on = null,
        blocked = false,
        retry_limit = job.retry_limit + ${attemptOf('job')}
      from chosen
      where job.name = chosen.queue and job.id = chosen.delivery_id and job.state in ('failed', 'retry')
      returning job.id, job.name
    ), woken as (
      select pg_notify($5, name) from (select distinct name from revived) as queues
    )
    delete from ${tables.deadLetter} letter using revived
    where letter.delivery_id = revived.id and (select count(*) from woken) >= 0
    returning letter.delivery_id`,
    [...filterValues(group), group.blocksKey, tables.channel],
  )
  return rows.length
}

async function dismissGroup(database: Queryable, tables: Tables, group: Group): Promise<number> {
  const { rows } = await database.query<{ queue: string | null; lane: string | null }>(
    `with ${chosenGroup(tables)}, dismissed as (
      update ${tables.deadLetter} letter set dismissed_at = now()
      from chosen where letter.delivery_id = chosen.delivery_id
      returning letter.delivery_id, letter.queue, letter.blocks_key
    ), unblocked as (
      update ${tables.delivery} job set state = 'failed', completed_on = ${tables.clock}, heartbeat_on = null
      from dismissed
      where dismissed.blocks_key and job.name = dismissed.queue and job.id = dismissed.delivery_id and job.state = 'retry'
      returning job.id, job.name, job.singleton_key
    )
    select unblocked.name as queue, unblocked.singleton_key as lane
    from dismissed left join unblocked on unblocked.id = dismissed.delivery_id`,
    [...filterValues(group), group.blocksKey],
  )
  await promoteLanes(database, tables, rows)
  return rows.length
}

/** In a later statement than the one that ended their heads: it has to see what was parked behind those meanwhile. */
async function promoteLanes(
  database: Queryable,
  tables: Tables,
  ended: readonly { queue: string | null; lane: string | null }[],
): Promise<void> {
  const lanes = Map.groupBy(ended, ({ queue }) => queue)
  for (const [queue, heads] of lanes) {
    if (queue === null) continue
    await database.query(`select ${functionName(tables, 'promote')}($1, $2)`, [queue, heads.map(({ lane }) => lane)])
    await database.query('select pg_notify($1, $2)', [tables.channel, queue])
  }
}

const OPEN_AND_MATCHING = `dismissed_at is null
      and ($1::uuid[] is null or delivery_id = any($1))
      and ($2::text is null or handler = $2)
      and ($3::text is null or event_type = $3)`

function filterValues(filter: DeadLetterFilter): unknown[] {
  return [filter.deliveryIds ?? null, filter.handler ?? null, filter.eventType ?? null]
}
