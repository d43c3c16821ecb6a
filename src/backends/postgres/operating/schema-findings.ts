/** What doctor says about our schema and pg-boss's: what is missing, their versions, and what was changed in pg-boss's. */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import { PostbusError } from '../../../errors.ts'
import type { Registry } from '../../../handlers/registry.ts'
import type { Connection } from '../connection.ts'
import { refuseEncoding } from '../schema/encoding.ts'
import { inspectSchema, type SchemaReport } from '../schema/schema-check.ts'
import type { Tables } from '../schema/tables.ts'
import { driftOf } from './schema-drift.ts'

export async function examineSchema(
  connection: Connection,
  tables: Tables,
  registry: Registry,
): Promise<readonly DoctorFinding[]> {
  const database = await connection.pool()
  try {
    await refuseEncoding(database)
    const report = await inspectSchema(database, tables, registry.queues)
    return problemsOf(report) ?? [...putOffIn(report), await versionsOf(connection, tables, report)]
  } catch (error) {
    if (error instanceof PostbusError) return [problem('schema', error.message)]
    throw error
  }
}

/** The problems that have to be mended before anything else can be checked; `null`: there are none. */
function problemsOf(report: SchemaReport): readonly DoctorFinding[] | null {
  const { postbus, pgboss, missingQueues } = report
  if (!postbus.installed) {
    return [problem('schema', `schema "${postbus.schema}" is not installed. Run: npx postbus migrate`)]
  }
  const isOld =
    postbus.missing.length > 0 ||
    pgboss.found === null ||
    pgboss.found < pgboss.expected ||
    report.areFunctionsOutdated ||
    report.queuesToMove.length > 0 ||
    report.missingIndexes.length > 0 ||
    report.isGuardMissing
  if (isOld) {
    return [problem('schema', 'the database is older than this code. Run: npx postbus migrate --dry-run, then migrate')]
  }
  if (missingQueues.length === 0) return null
  return [problem('queues', `${missingQueues.join(', ')} do not exist. Run: npx postbus migrate`)]
}

function putOffIn({ putOff }: SchemaReport): readonly DoctorFinding[] {
  if (putOff.length === 0) return []
  const what = putOff.map((name) => `"${name}"`).join(', ')
  return [warning(`pg-boss has put off ${what}, and no pg-boss has done it yet. Run: npx postbus migrate`)]
}

async function versionsOf(
  connection: Connection,
  tables: Tables,
  { postbus, pgboss }: SchemaReport,
): Promise<DoctorFinding> {
  const newer = postbus.unknown.length > 0 || pgboss.found !== pgboss.expected
  const versions = `${postbus.schema} ${postbus.applied}, ${pgboss.schema} ${pgboss.found}`
  if (newer) return warning(`${versions}: migrated by a newer release than this one; deploy it soon`)
  const drift = await driftOf(connection, tables)
  if (drift) return warning(`${versions} (latest), but pg-boss's tables were changed: ${drift}`)
  return { check: 'schema', status: 'ok', message: `${versions} (latest), no drift` }
}

function warning(message: string): DoctorFinding {
  return { check: 'schema', status: 'warning', message }
}

function problem(check: DoctorFinding['check'], message: string): DoctorFinding {
  return { check, status: 'problem', message }
}
