/**
 * The queues that deliveries wait in: for each queue two of pg-boss's, plain and partitioned.
 *
 * Each has a table of its own. The partitioned one has pg-boss's `singleton` policy, whose unique index makes sure that
 * two deliveries of one lane never run at once. Both are told never to delete anything: pg-boss would remove a waiting
 * job after 14 days.
 */
import type { PgBoss } from 'pg-boss'
import { PostbusError } from '../../../errors.ts'
import { isPartitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { setAsideIndex } from './functions/set-aside.ts'
import { RETRY_LIMIT } from './functions/sql.ts'
import { createFunctions, FUNCTIONS_VERSION, functionsOf, type QueueFunctions } from './queue-functions.ts'
import type { Tables } from '../schema/tables.ts'

/** A claim whose worker has not been heard of for this long is free to be taken over. */
export const HEARTBEAT_SECONDS = 10

const TEN_YEARS_SECONDS = 10 * 365 * 86_400

export interface QueueState {
  readonly name: string
  readonly policy: string
  /** The queue's own table in pg-boss's schema, quoted. */
  readonly table: string
  readonly partition: boolean
  /** The schema of ours that uses the queue, once one has migrated it. */
  readonly usedBy: string | null
  /** Which version of its functions is installed. */
  readonly functionsVersion: number
  readonly functions: QueueFunctions
  /** What the names of its functions and indexes end with. */
  readonly suffix: string
}

/** Creates the queues that are missing, with the indexes and functions that workers need. Safe to repeat. */
export async function createQueues(boss: PgBoss, database: Queryable, tables: Tables, queues: readonly string[]) {
  for (const queue of queues) {
    await boss.createQueue(queue, {
      policy: policyOf(queue),
      partition: true,
      retryLimit: RETRY_LIMIT,
      expireInSeconds: 86_400,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      retentionSeconds: TEN_YEARS_SECONDS,
      deleteAfterSeconds: 0,
    })
  }
  for (const state of await readQueues(database, tables, queues)) {
    refuseUnfit(state, tables)
    await createIndexes(database, state)
    if (isOutdated(state)) await createFunctions(database, partsOf(state, tables))
    if (isPartitionedQueue(state.name)) {
      await database.query(`insert into ${tables.laneSweep} (queue) values ($1) on conflict do nothing`, [state.name])
    }
    const version = Math.max(state.functionsVersion, FUNCTIONS_VERSION)
    await database.query(`comment on table ${state.table} is '${USED_BY}${tables.names.postbus}, functions ${version}'`)
  }
}

function partsOf({ name, table, suffix }: QueueState, tables: Tables) {
  return { tables, queue: name, table, suffix }
}

/** A delivery's id is unique within one schema of ours only, so no two of them may share a queue. */
const USED_BY = 'deliveries of postbus schema '
const COMMENT = new RegExp(`^${USED_BY}([a-z0-9_]+)(?:, functions (\\d+))?$`)

/** @throws {PostbusError} `POSTBUS_QUEUE_MISMATCH` when another schema of ours uses one of these queues. */
export async function refuseUsedQueues(database: Queryable, tables: Tables, queues: readonly string[]): Promise<void> {
  const used = (await readQueues(database, tables, queues)).find((state) => isUsedByAnother(state, tables))
  if (used) throw queueUsed(used, tables)
}

function isUsedByAnother({ usedBy }: QueueState, tables: Tables): boolean {
  return usedBy !== null && usedBy !== tables.names.postbus
}

/**
 * Reads the queues' state, and refuses those that are missing, of another kind, or made by an older release.
 *
 * @throws {PostbusError} `POSTBUS_QUEUE_MISSING`, `POSTBUS_SCHEMA_OUTDATED`, or `POSTBUS_QUEUE_MISMATCH` when a queue of
 * that name was made by someone else: pg-boss's `createQueue` leaves an existing queue as it is.
 */
export async function checkQueues(
  database: Queryable,
  tables: Tables,
  queues: readonly string[],
): Promise<readonly QueueState[]> {
  const states = await readQueues(database, tables, queues)
  const missing = queues.filter((queue) => !states.some((state) => state.name === queue))
  if (missing.length > 0) throw queueMissing(missing)

  for (const state of states) refuseUnfit(state, tables)
  const behind = states.find(isOutdated)
  if (behind) throw queueOutdated(behind)
  return states
}

/** An older release has made its functions, or none. */
export function isOutdated({ functionsVersion }: QueueState): boolean {
  return functionsVersion < FUNCTIONS_VERSION
}

function refuseUnfit(state: QueueState, tables: Tables): void {
  if (state.policy !== policyOf(state.name) || !state.partition) throw queueMismatch(state)
  if (isUsedByAnother(state, tables)) throw queueUsed(state, tables)
}

export async function readQueues(
  database: Queryable,
  tables: Tables,
  queues: readonly string[],
): Promise<readonly QueueState[]> {
  const { rows } = await database.query<{
    name: string
    policy: string
    table_name: string
    partition: boolean
    comment: string | null
  }>(
    `select name, policy, table_name, partition,
      obj_description(to_regclass(format('%I.%I', '${tables.names.pgboss}', table_name)), 'pg_class') as comment
    from ${tables.queue} where name = any($1) order by name`,
    [queues],
  )
  return rows.map(({ name, policy, table_name, partition, comment }) => {
    const [, usedBy = null, version = 0] = (partition && COMMENT.exec(comment ?? '')) || []
    const table = `"${tables.names.pgboss}"."${table_name}"`
    const suffix = suffixOf(table)
    const functions = functionsOf(tables, suffix)
    return { name, policy, partition, usedBy, table, suffix, functions, functionsVersion: Number(version) }
  })
}

export function policyOf(queue: string): 'standard' | 'singleton' {
  return isPartitionedQueue(queue) ? 'singleton' : 'standard'
}

/** What is the queue's own is named by its table's first characters: the whole, `j` and a hash, leaves no room under 63. */
function suffixOf(table: string): string {
  return table.split('."')[1]?.slice(1, 17) ?? ''
}

/**
 * One that recovery reads in a plain queue, for which a partitioned one has pg-boss's, one of the live deliveries of a lane,
 * and one of what is set aside.
 */
async function createIndexes(database: Queryable, { name, suffix, table }: QueueState): Promise<void> {
  const [which, columns, live] = isPartitionedQueue(name)
    ? ['lane', 'singleton_key, id', `state < 'completed'`]
    : ['active', 'heartbeat_on', `state = 'active'`]
  await database.query(`create index if not exists "postbus_${which}_${suffix}" on ${table} (${columns}) where ${live}`)
  await database.query(setAsideIndex(table, suffix))
}

function queueMissing(queues: readonly string[]): PostbusError {
  const names = queues.map((queue) => `"${queue}"`).join(', ')
  const what = queues.length === 1 ? `Queue ${names} does not exist` : `Queues ${names} do not exist`
  return new PostbusError('POSTBUS_QUEUE_MISSING', `${what} in this database. Run: npx postbus migrate`)
}

function queueOutdated({ name }: QueueState): PostbusError {
  return new PostbusError(
    'POSTBUS_SCHEMA_OUTDATED',
    `Queue "${name}" was made by an older release than this one. Run: npx postbus migrate`,
  )
}

function queueUsed({ name, usedBy }: QueueState, { names }: Tables): PostbusError {
  return new PostbusError(
    'POSTBUS_QUEUE_MISMATCH',
    `Queue "${name}" in "${names.pgboss}" holds the deliveries of schema "${usedBy}", so schema "${names.postbus}" cannot ` +
      'use it too: give createBus() another `pgbossSchema`.',
  )
}

function queueMismatch(state: QueueState): PostbusError {
  const found = `policy "${state.policy}"${state.partition ? '' : ' and shares a table with other queues'}`
  const expected = `policy "${policyOf(state.name)}" and a table of its own`
  return new PostbusError(
    'POSTBUS_QUEUE_MISMATCH',
    `Queue "${state.name}" exists with ${found}; expected ${expected}. It was not made by Postbus: ` +
      'give your handlers another `queue`, or choose another `pgbossSchema`.',
  )
}
