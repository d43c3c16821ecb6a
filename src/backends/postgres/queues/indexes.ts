/**
 * The indexes by which claims, settles and recovery find deliveries. pg-boss's own indexes stay as they are. Ours tell our jobs
 * by the retry limit, so jobs of others in the same table have no entry in them.
 */
import { RETRY_LIMIT } from '../../../deliveries/attempt-number.ts'
import type { Queryable } from '../connection.ts'
import { AS_A_GUEST, untilLocked } from '../schema/lock-waits.ts'
import type { Tables } from '../schema/tables.ts'

const OURS = `retry_limit >= ${RETRY_LIMIT}`

/** Their predicates are the same as in `functions/sql.ts`: an index is used only where a statement repeats its predicate. */
const INDEXES: Readonly<Record<string, string>> = {
  postbus_fresh: `(name, priority desc, created_on) where state = 'created' and blocked::integer = 0 and ${OURS}`,
  postbus_returning: `(name, priority desc, start_after) where state = 'retry' and blocked::integer = 0 and ${OURS}`,
  postbus_active: `(heartbeat_on) where state = 'active' and ${OURS}`,
  postbus_lane: `(hashtext(name), singleton_key, id) where state < 'completed' and singleton_key is not null and ${OURS}`,
  postbus_set_aside: `(name, (data ->> 'handler'), priority desc, created_on)
    where blocked and group_tier = 'set aside' and state < 'active'`,
}

/** Indexes on the events, in our schema. They are built in the same way, because the log may be large when an index is new. */
const EVENT_INDEXES: Readonly<Record<string, string>> = {
  postbus_expires: `(expires_at, seq) where expires_at is not null`,
  postbus_retained: `(retained_until, seq) where retained_until is not null`,
}

/** A table smaller than this is indexed in a moment. */
const SMALL_BYTES = 16 * 1_048_576

export async function missingIndexes(database: Queryable, tables: Tables): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select class.relname as name from pg_index index
    join pg_class class on class.oid = index.indexrelid
    where index.indrelid in (to_regclass($1), to_regclass($2)) and index.indisvalid and index.indisready`,
    [tables.delivery, tables.event],
  )
  const present = new Set(rows.map(({ name }) => name))
  return [...Object.keys(INDEXES), ...Object.keys(EVENT_INDEXES)].filter((name) => !present.has(name))
}

/**
 * Builds the missing indexes. An index that an interrupted build has left is useless, and is dropped first. A small table is locked for
 * a moment, if the lock is free. A large table, or one that a long transaction is writing to, stays writable during the build.
 */
export async function buildIndexes(database: Queryable, tables: Tables, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  for (const name of names) {
    const isBrief = await isSmall(database, tableOf(tables, name))
    await untilLocked(`build index "${name}"`, (attempt) =>
      build(database, tables, { name, isBrief: isBrief && attempt === 0 }),
    )
  }
}

async function build(
  database: Queryable,
  tables: Tables,
  { name, isBrief }: { readonly name: string; readonly isBrief: boolean },
): Promise<void> {
  const schema = name in EVENT_INDEXES ? tables.names.postbus : tables.names.pgboss
  const old = `"${schema}"."${name}"`
  const definition = `"${name}" on ${tableOf(tables, name)} ${EVENT_INDEXES[name] ?? INDEXES[name]}`
  if (isBrief) {
    await database.query(`${AS_A_GUEST} drop index if exists ${old}; create index ${definition}`)
    return
  }
  await database.query(`drop index concurrently if exists ${old}`)
  await database.query(`create index concurrently ${definition}`)
}

function tableOf({ delivery, event }: Tables, name: string): string {
  return name in EVENT_INDEXES ? event : delivery
}

async function isSmall(database: Queryable, table: string): Promise<boolean> {
  const { rows } = await database.query<{ isSmall: boolean }>(
    `select pg_relation_size(to_regclass($1)) < ${SMALL_BYTES} as "isSmall"`,
    [table],
  )
  return rows[0]?.isSmall ?? true
}
