/**
 * `npm run archive`: publishes 100,000 events, stores them in an archive in batches of up to 100, and prints the time that this took. Exit
 * code 1 if any event is missing. `npm run archive -- 5000` takes fewer.
 */
import { Client } from 'pg'
import { projectDatabase } from '../../config/database.ts'
import { archivePipeline, type PipelineReport } from './pipeline.ts'

/** Cleared before the run and after it. */
const SCHEMAS = { schema: 'postbus_archive', pgbossSchema: 'pgboss_archive' }

const count = Number(process.argv[2] ?? 100_000)
if (!Number.isInteger(count) || count < 1) throw new Error(`Expected how many events, but got "${process.argv[2]}".`)

const database = await projectDatabase()
process.stderr.write(`Database: ${database.which}\n`)
try {
  await clear(database.connectionString)
  const report = await archivePipeline({ ...SCHEMAS, connectionString: database.connectionString, count })
  process.stdout.write(linesOf(report))
  if (report.archived !== count) process.exitCode = 1
  await clear(database.connectionString)
} finally {
  await database.release()
}

async function clear(connectionString: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query(`drop schema if exists ${Object.values(SCHEMAS).join(', ')} cascade`)
  await client.query('drop table if exists archived_event')
  await client.end()
}

function linesOf({ published, archived, batches, publishMs, archiveMs }: PipelineReport): string {
  const size = (archived / batches.length).toFixed(0)
  const perSecond = (archived / (archiveMs / 1_000)).toFixed(0)
  return [
    `published   ${published} events in ${seconds(publishMs)}`,
    `archived    ${archived} events in ${seconds(archiveMs)}, ${perSecond} a second`,
    `batches     ${batches.length}, of ${size} events on average, ${Math.max(...batches)} at most`,
    '',
  ].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
