/**
 * Examines everything that has to be right for events to flow, and says what is not, with the command that mends it.
 * Reads only; the one thing it sends is a NOTIFY to itself.
 */
import { clearTimeout, performance, realNowMs, setTimeout } from '../../../clock.ts'
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { connectionProblem } from '../../../transactions/connection-error.ts'
import type { Connection, Queryable } from '../connection.ts'
import { isFit, policyOf, readQueues } from '../queues/queues.ts'
import { pruningLag } from '../deliveries/retention.ts'
import { inspectSchema } from '../schema/schema-check.ts'
import type { Tables } from '../schema/tables.ts'
import { CANNOT_LISTEN } from '../deliveries/wake-up.ts'
import { driftOf } from './schema-drift.ts'
import { examineVacuum } from './vacuum-check.ts'
import { listWorkers } from '../deliveries/workers.ts'

const CLOCK_WARNING_MS = 2_000
const NOTIFY_LIMIT_MS = 5_000

export interface DoctorParts {
  readonly connection: Connection
  /** Where workers LISTEN. `null`: nowhere. */
  readonly listening: Connection | null
  readonly tables: Tables
  readonly retentionMs: number | null
}

export async function examine(parts: DoctorParts, registry: Registry): Promise<readonly DoctorFinding[]> {
  const { connection, tables, retentionMs } = parts
  const reached = await examineConnection(connection)
  if (reached.status === 'problem') return [reached]

  const database = await connection.pool()
  const schema = await examineSchema(parts, registry)
  if (schema.some((finding) => finding.status === 'problem')) return [reached, ...schema]
  return [
    reached,
    ...schema,
    ...(await examineQueues(database, tables, registry)),
    await examineNotify(parts),
    ...(await examineHandlers(database, tables, registry)),
    await examineWorkers(database, tables, registry),
    await examineDeadLetters(database, tables),
    await examineRetention(database, tables, retentionMs),
    await examineVacuum(database, tables),
    await examineClock(database),
  ]
}

async function examineConnection(connection: Connection): Promise<DoctorFinding> {
  try {
    const pool = await connection.pool()
    await pool.query('select 1')
    const started = performance.now()
    const { rows } = await pool.query<{ version: string }>(`select current_setting('server_version') as version`)
    const took = Math.max(1, Math.round(performance.now() - started))
    return ok('connection', `PostgreSQL ${rows[0]?.version.split(' ')[0]}, ${took} ms`)
  } catch (error) {
    return problem('connection', `the database cannot be reached: ${connectionProblem(error)}`)
  }
}

async function examineSchema(
  { connection, tables }: DoctorParts,
  registry: Registry,
): Promise<readonly DoctorFinding[]> {
  const database = await connection.pool()
  const { postbus, pgboss, missingQueues, areFunctionsOutdated, queuesToMove, missingIndexes } = await inspectSchema(
    database,
    tables,
    registry.queues,
  )
  if (!postbus.installed)
    return [problem('schema', `schema "${postbus.schema}" is not installed. Run: npx postbus migrate`)]
  const behind = pgboss.found === null || pgboss.found < pgboss.expected
  if (
    postbus.missing.length > 0 ||
    behind ||
    areFunctionsOutdated ||
    queuesToMove.length > 0 ||
    missingIndexes.length > 0
  ) {
    return [problem('schema', 'the database is older than this code. Run: npx postbus migrate --dry-run, then migrate')]
  }
  if (missingQueues.length > 0) {
    return [problem('queues', `${missingQueues.join(', ')} do not exist. Run: npx postbus migrate`)]
  }
  const newer = postbus.unknown.length > 0 || pgboss.found !== pgboss.expected
  const versions = `${postbus.schema} ${postbus.applied}, ${pgboss.schema} ${pgboss.found}`
  if (newer) return [warning('schema', `${versions}: migrated by a newer release than this one; deploy it soon`)]
  const drift = await driftOf(connection, tables)
  return drift
    ? [warning('schema', `${versions} (latest), but pg-boss's tables were changed: ${drift}`)]
    : [ok('schema', `${versions} (latest), no drift`)]
}

async function examineQueues(
  database: Queryable,
  tables: Tables,
  registry: Registry,
): Promise<readonly DoctorFinding[]> {
  const states = await readQueues(database, tables, registry.queues)
  const wrong = states.filter((state) => !isFit(state))
  if (wrong.length === 0) {
    return [ok('queues', states.map((state) => `${state.name} (${state.policy})`).join(', '))]
  }
  return wrong.map((state) =>
    problem(
      'queues',
      `"${state.name}" has policy "${state.policy}", expected "${policyOf(state.name)}": it was not made by Postbus`,
    ),
  )
}

async function examineNotify({ connection, listening }: DoctorParts): Promise<DoctorFinding> {
  if (listening === null) return ok('notify', 'not used (`listen: false`): workers look by themselves')
  const channel = `postbus_doctor_${process.pid}`
  const listener = await listening.listener()
  if (listener === null) return warning('notify', CANNOT_LISTEN)
  try {
    await listener.query(`listen "${channel}"`)
    const received = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), NOTIFY_LIMIT_MS)
      listener.once('notification', () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
    const started = performance.now()
    await (await connection.pool()).query('select pg_notify($1, $2)', [channel, ''])
    if (await received) return ok('notify', `received in ${Math.max(1, Math.round(performance.now() - started))} ms`)
    return warning(
      'notify',
      'not received: workers fall back to polling. A pooler in transaction mode drops LISTEN; give createBus() a way to the server itself: `listen: { connectionString }`',
    )
  } finally {
    await listener.end()
  }
}

/** Deliveries that wait for a handler that is not registered, by name. */
async function examineHandlers(
  database: Queryable,
  tables: Tables,
  registry: Registry,
): Promise<readonly DoctorFinding[]> {
  const names = registry.handlers.map((handler) => handler.name)
  const { rows } = await database.query<{ handler: string; count: string }>(
    `select data ->> 'handler' as handler, count(*) from ${tables.job}
    where name = any($1) and state < 'completed' and not (data ->> 'handler' = any($2))
    group by 1 order by 2 desc, 1 limit 20`,
    [registry.queues, names],
  )
  if (rows.length === 0) return [ok('handlers', `${names.length} registered; every waiting delivery has one`)]
  return rows.map(({ handler, count }) =>
    problem(
      'handlers',
      `"${handler}" has ${Number(count).toLocaleString('en')} waiting deliveries but no handler of that name (renamed, or not deployed?)`,
    ),
  )
}

async function examineWorkers(database: Queryable, tables: Tables, registry: Registry): Promise<DoctorFinding> {
  const workers = await listWorkers(database, tables)
  if (workers.length === 0) return warning('workers', 'no worker is running: deliveries wait. Run: npx postbus worker')
  const known = new Set(workers.flatMap((worker) => worker.handlers))
  const orphans = registry.handlers.filter((handler) => !known.has(handler.name)).map((handler) => handler.name)
  if (orphans.length > 0)
    return warning('workers', `${workers.length} running, none of which has ${orphans.join(', ')}: deploy them`)
  const worked = new Set(workers.flatMap((worker) => worker.queues))
  const idle = registry.queues.filter((queue) => !worked.has(queue))
  if (idle.length > 0) return warning('workers', `${workers.length} running, none of which works on ${idle.join(', ')}`)
  return ok('workers', `${workers.length} running`)
}

async function examineDeadLetters(database: Queryable, tables: Tables): Promise<DoctorFinding> {
  const { rows } = await database.query<{ count: string; blocking: string }>(
    `select count(*), count(*) filter (where blocks_key) as blocking from ${tables.deadLetter} where dismissed_at is null`,
  )
  const count = Number(rows[0]?.count ?? 0)
  if (count === 0) return ok('dead letters', 'none')
  const blocking = Number(rows[0]?.blocking ?? 0)
  const keys = blocking > 0 ? `, ${blocking} of which hold up their partition key` : ''
  return warning('dead letters', `${count}${keys}. Look at them with: npx postbus dead list`)
}

async function examineRetention(
  database: Queryable,
  tables: Tables,
  retentionMs: number | null,
): Promise<DoctorFinding> {
  if (retentionMs === null) return ok('retention', 'events are kept: no retention is set')
  const lag = await pruningLag(database, tables, retentionMs)
  if (lag === null) return ok('retention', 'old events are pruned')
  return warning('retention', `there are old events, and ${lag}: is a worker running, and does it say pruning.failed?`)
}

async function examineClock(database: Queryable): Promise<DoctorFinding> {
  const before = realNowMs()
  const { rows } = await database.query<{ now: Date }>('select clock_timestamp() as now')
  const aheadMs = (rows[0]?.now.getTime() ?? 0) - (before + realNowMs()) / 2
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1)
  if (Math.abs(aheadMs) < CLOCK_WARNING_MS) return ok('clock', `within ${seconds} s of the server`)
  return warning('clock', `the server is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine`)
}

function ok(check: DoctorFinding['check'], message: string): DoctorFinding {
  return { check, status: 'ok', message }
}

function warning(check: DoctorFinding['check'], message: string): DoctorFinding {
  return { check, status: 'warning', message }
}

function problem(check: DoctorFinding['check'], message: string): DoctorFinding {
  return { check, status: 'problem', message }
}
