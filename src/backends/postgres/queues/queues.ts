/**
 * The queues that deliveries wait in: each is two queues of pg-boss, a plain one and a partitioned one.
 *
 * All are in the table that pg-boss shares among queues. A queue is only a name there, so a thousand queues cost a server
 * process no more than one. The partitioned queue has pg-boss's `singleton` policy, whose unique index makes sure that two
 * deliveries of one lane never run at once. All are set to delete nothing: pg-boss would remove a waiting job after 14 days.
 */
import type { PgBoss } from 'pg-boss'
import { RETRY_LIMIT } from '../../../deliveries/attempt-number.ts'
import { PostbusError } from '../../../errors.ts'
import { isPartitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { DELIVERY_TABLE, type Tables } from '../schema/tables.ts'

/** A claim whose worker has not been heard of for this long is free to be taken over. */
export const HEARTBEAT_SECONDS = 10

const TEN_YEARS_SECONDS = 10 * 365 * 86_400

export interface QueueState {
  readonly name: string
  readonly policy: string
  /** The name of its table in pg-boss's schema. */
  readonly table: string
  /** Whether it was made by us: it is registered, or has the options that only we give. */
  readonly isOurs: boolean
}

/** Creates the queues that are missing. Safe to repeat. */
export async function createQueues(boss: PgBoss, database: Queryable, tables: Tables, queues: readonly string[]) {
  const states = await readQueues(database, tables, queues)
  for (const state of states) refuseUnfit(state)
  const missing = queues.filter((queue) => !states.some(({ name }) => name === queue))
  // Registered first: pruning looks only at registered queues, so no queue may hold a delivery before it is registered.
  await database.query(`insert into ${tables.ownQueue} (name) select unnest($1::text[]) on conflict do nothing`, [
    queues,
  ])
  for (const queue of missing) await boss.createQueue(queue, queueOptions(queue))
}

function queueOptions(queue: string) {
  return {
    policy: policyOf(queue),
    partition: false,
    retryLimit: RETRY_LIMIT,
    expireInSeconds: 86_400,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    retentionSeconds: TEN_YEARS_SECONDS,
    deleteAfterSeconds: 0,
  }
}

/**
 * Reads the queues' state, and refuses queues that are missing, of another kind, or made by an older release.
 *
 * @throws {PostbusError} `POSTBUS_QUEUE_MISSING`, or `POSTBUS_QUEUE_MISMATCH` when a queue of that name was made by someone
 * else: pg-boss's `createQueue` leaves an existing queue as it is.
 */
export async function checkQueues(
  database: Queryable,
  tables: Tables,
  queues: readonly string[],
): Promise<readonly QueueState[]> {
  const states = await readQueues(database, tables, queues)
  for (const state of states) refuseUnfit(state)
  const missing = queues.filter((queue) => !states.some(({ name }) => name === queue))
  if (missing.length > 0) throw queueMissing(missing)
  return states
}

export async function readQueues(
  database: Queryable,
  tables: Tables,
  queues: readonly string[],
): Promise<readonly QueueState[]> {
  const { rows } = await database.query<{ name: string; policy: string; table: string; isOurs: boolean }>(
    `select queue.name, queue.policy, queue.table_name as table, own.name is not null or queue.retry_limit = ${RETRY_LIMIT} as "isOurs"
    from ${tables.queue} queue left join ${tables.ownQueue} own on own.name = queue.name
    where queue.name = any($1) order by queue.name`,
    [queues],
  )
  return rows
}

/** Our partitioned queues. */
export async function laneQueues(database: Queryable, tables: Tables): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(`select name from ${tables.ownQueue} order by name`)
  return rows.map(({ name }) => name).filter(isPartitionedQueue)
}

export function policyOf(queue: string): 'standard' | 'singleton' {
  return isPartitionedQueue(queue) ? 'singleton' : 'standard'
}

/** Whether the queue can hold our deliveries. */
export function isFit({ name, policy, table, isOurs }: QueueState): boolean {
  return isOurs && policy === policyOf(name) && table === DELIVERY_TABLE
}

/** @throws {PostbusError} `POSTBUS_QUEUE_MISMATCH` when one of these queues was made by something else. */
export async function refuseUnfitQueues(database: Queryable, tables: Tables, queues: readonly string[]): Promise<void> {
  for (const state of await readQueues(database, tables, queues)) refuseUnfit(state)
}

function refuseUnfit(state: QueueState): void {
  if (!isFit(state)) throw queueMismatch(state)
}

/**
 * A delivery's id is unique only within one schema of ours, so two of our schemas must not share a queue.
 *
 * @throws {PostbusError} `POSTBUS_QUEUE_MISMATCH` when another schema of ours uses one of these queues.
 */
export async function refuseUsedQueues(database: Queryable, tables: Tables, queues: readonly string[]): Promise<void> {
  const { rows } = await database.query<{ schema: string }>(
    `select space.nspname as schema from pg_class class join pg_namespace space on space.oid = class.relnamespace
    where class.relname = 'queue' and space.nspname <> $1 and has_schema_privilege(space.oid, 'usage')
      and obj_description(class.oid, 'pg_class') = $2 and has_table_privilege(class.oid, 'select')`,
    [tables.names.postbus, `queues of Postbus in pg-boss schema ${tables.names.pgboss}`],
  )
  for (const { schema } of rows) {
    const used = await database.query<{ name: string }>(
      `select name from "${schema.replaceAll('"', '""')}".queue where name = any($1) order by name limit 1`,
      [queues],
    )
    const name = used.rows[0]?.name
    if (name) throw queueUsed(name, schema, tables)
  }
}

function queueMissing(queues: readonly string[]): PostbusError {
  const names = queues.map((queue) => `"${queue}"`).join(', ')
  const what = queues.length === 1 ? `Queue ${names} does not exist` : `Queues ${names} do not exist`
  return new PostbusError('POSTBUS_QUEUE_MISSING', `${what} in this database. Run: npx postbus migrate`)
}

function queueUsed(queue: string, usedBy: string, { names }: Tables): PostbusError {
  return new PostbusError(
    'POSTBUS_QUEUE_MISMATCH',
    `Queue "${queue}" in "${names.pgboss}" holds the deliveries of schema "${usedBy}", so schema "${names.postbus}" cannot ` +
      'use it too: give createBus() another `pgbossSchema`.',
  )
}

function queueMismatch(state: QueueState): PostbusError {
  const found = `policy "${state.policy}"${state.table === DELIVERY_TABLE ? ' and options of its own' : ' and a table of its own'}`
  const expected = `one that \`postbus migrate\` has made, with policy "${policyOf(state.name)}"`
  return new PostbusError(
    'POSTBUS_QUEUE_MISMATCH',
    `Queue "${state.name}" exists with ${found}; expected ${expected}. It was not made by Postbus: ` +
      'give your handlers another `queue`, or choose another `pgbossSchema`.',
  )
}
