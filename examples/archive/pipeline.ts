/** Publishes events, archives them with a worker in this process, and reports the time and the batches. */
import { performance } from 'node:perf_hooks'
import { Pool } from 'pg'
import { z } from 'zod'
import { createBus, defineEvent, printSignals } from '../../src/index.ts'
import { archiveHandler, createArchive } from './archive.ts'

const Measured = defineEvent('sensors.measured', {
  schema: z.object({ sensor: z.number(), celsius: z.number() }),
  partitionKey: ({ sensor }) => (sensor === 0 ? null : `sensor ${sensor}`),
})

/** Sensor 0 has no key. */
const SENSORS = 500
const PUBLISHED_TOGETHER = 1_000

export interface PipelineReport {
  readonly published: number
  readonly archived: number
  /** The number of events in each batch. */
  readonly batches: readonly number[]
  readonly publishMs: number
  /** The time from the worker's start until every event was archived and its delivery settled. */
  readonly archiveMs: number
}

export interface PipelineOptions {
  readonly connectionString: string
  readonly count: number
  readonly schema?: string
  readonly pgbossSchema?: string
}

/** Publishes all events before the worker starts, so the batches are as full as possible. */
export async function archivePipeline({
  connectionString,
  count,
  ...schemas
}: PipelineOptions): Promise<PipelineReport> {
  const pool = new Pool({ connectionString })
  const batches: number[] = []
  const handler = archiveHandler({ pool, onStored: (size) => batches.push(size) })
  const bus = createBus({ connectionString, ...schemas, handlers: [handler], onSignal: printSignals('warn') })
  try {
    await bus.migrate()
    await createArchive(pool)

    const began = performance.now()
    for (let first = 0; first < count; first += PUBLISHED_TOGETHER) {
      const numbers = Array.from({ length: Math.min(PUBLISHED_TOGETHER, count - first) }, (_, place) => first + place)
      await bus.publish(numbers.map((n) => Measured({ sensor: n % SENSORS, celsius: n % 40 })))
    }
    const published = performance.now()
    await bus.worker({ queues: { archive: 100, archive_partitioned: 100 } }).drain()
    const ended = performance.now()

    const { rows } = await pool.query<{ archived: number }>('select count(*)::integer as archived from archived_event')
    const archived = rows[0]?.archived ?? 0
    return { published: count, archived, batches, publishMs: published - began, archiveMs: ended - published }
  } finally {
    await bus.close()
    await pool.end()
  }
}
