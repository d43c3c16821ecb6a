/**
 * Examines everything that has to be right for events to flow, and says what is not, with the command that mends it.
 * Reads only; the one thing it sends is a NOTIFY to itself.
 */
import { clearTimeout, performance, realNowMs, setTimeout } from '../../../clock.ts'
import type { DoctorFinding, DoctorOptions } from '../../../deliveries/operations.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { connectionProblem } from '../../../transactions/connection-error.ts'
import type { Connection, Queryable } from '../connection.ts'
import { isFit, policyOf, readQueues } from '../queues/queues.ts'
import type { Registered } from '../registry/registered.ts'
import { pruningLag } from '../deliveries/retention.ts'
import type { Tables } from '../schema/tables.ts'
import { CANNOT_LISTEN } from '../deliveries/wake-up.ts'
import { examineDeliveries } from './deliveries-check.ts'
import { examinePauses } from './pauses-check.ts'
import { examineDeploy } from './deploy-check.ts'
import { examineLog } from './log-check.ts'
import { examineReaders } from './readers-check.ts'
import { examineRegistry } from './registry-check.ts'
import { examineSchema } from './schema-findings.ts'
import { examineStreams } from './streams-check.ts'
import { examineVacuum } from './vacuum-check.ts'
import { listWorkers } from '../deliveries/workers.ts'

const CLOCK_WARNING_MS = 2_000
const NOTIFY_LIMIT_MS = 5_000
/** No more dead letters than these are counted, because the count takes longer the more there are. */
const MOST_COUNTED = 10_000

export interface DoctorParts {
  readonly connection: Connection
  /** Where workers LISTEN. `null`: nowhere. */
  readonly listening: Connection | null
  readonly tables: Tables
  readonly retentionMs: number | null
  /** The service, and what this code would register for its SQL publishers. */
  readonly service: string
  readonly registered: Registered
}

export async function examine(
  parts: DoctorParts,
  registry: Registry,
  { deploy = false }: DoctorOptions = {},
): Promise<readonly DoctorFinding[]> {
  const { connection, tables, retentionMs } = parts
  const reached = await examineConnection(connection)
  if (reached.status === 'problem') return [reached]

  const database = await connection.pool()
  const schema = await examineSchema(connection, tables, registry)
  if (schema.some((finding) => finding.status === 'problem')) return [reached, ...schema]
  return [
    reached,
    ...schema,
    ...(await examineQueues(database, tables, registry)),
    await examineNotify(parts),
    ...(await examineDeliveries(database, tables, registry)).filter(({ check }) => !deploy || check !== 'handlers'),
    ...(deploy ? await examineDeploy(database, tables, registry) : []),
    await examineWorkers(database, tables, registry),
    await examineDeadLetters(database, tables),
    await examinePauses(database, tables),
    await examineRetention(database, tables, retentionMs),
    await examineVacuum(database, tables),
    await examineLog(database),
    await examineReaders(database, tables, registry),
    ...(await examineStreams(database, tables)),
    await examineRegistry(database, tables, parts),
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

async function examineWorkers(database: Queryable, tables: Tables, registry: Registry): Promise<DoctorFinding> {
  const workers = await listWorkers(database, tables)
  if (workers.length === 0) return warning('workers', 'no worker is running: deliveries wait. Run: npx postbus worker')
  const known = new Set(workers.flatMap((worker) => worker.handlers))
  const orphans = registry.handlers
    .map(({ name }) => name)
    .filter((name) => !known.has(registry.names.handlers.stored(name)))
  if (orphans.length > 0)
    return warning('workers', `${workers.length} running, none of which has ${orphans.join(', ')}: deploy them`)
  const worked = new Set(workers.flatMap(({ queues }) => queues.map(({ queue }) => queue)))
  const idle = registry.queues.filter((queue) => !worked.has(queue))
  if (idle.length > 0) return warning('workers', `${workers.length} running, none of which works on ${idle.join(', ')}`)
  return ok('workers', `${workers.length} running`)
}

async function examineDeadLetters(database: Queryable, tables: Tables): Promise<DoctorFinding> {
  const { rows } = await database.query<{ count: string; blocking: string }>(
    `select count(*), count(*) filter (where blocks_key) as blocking from (
      select blocks_key from ${tables.deadLetter} where dismissed_at is null order by died_at, delivery_id limit ${MOST_COUNTED + 1}
    ) open`,
  )
  const count = Number(rows[0]?.count ?? 0)
  if (count === 0) return ok('dead letters', 'none')
  const blocking = Number(rows[0]?.blocking ?? 0)
  const isMore = count > MOST_COUNTED
  const number = (value: number) => Math.min(value, MOST_COUNTED).toLocaleString('en')
  const keys =
    blocking > 0 ? `, ${isMore ? 'at least ' : ''}${number(blocking)} of which hold up their partition key` : ''
  const many = `${isMore ? 'more than ' : ''}${number(count)}`
  return warning('dead letters', `${many}${keys}. Look at them with: npx postbus dead list`)
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
