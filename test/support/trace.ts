/**
 * What handlers did, as they recorded it themselves: a table of starts and ends, each with the time of the database,
 * written over connections that no fault affects.
 */
import { Pool } from 'pg'

/** After `aborted` the attempt still runs, until its `end` or `fail`. */
export type TraceStep = 'start' | 'end' | 'fail' | 'aborted'

export interface TraceEntry {
  readonly handler: string
  readonly eventId: string
  readonly key: string | null
  readonly attempt: number
  readonly pid: number
  readonly step: TraceStep
  /** The code of the error that aborted the attempt. */
  readonly reason: string | null
  /** Milliseconds, by the clock of the database that holds the trace. */
  readonly at: number
}

export type TraceWriter = (entry: Omit<TraceEntry, 'at' | 'pid'>) => Promise<void>

export interface Trace {
  readonly connectionString: string
  entries(): Promise<readonly TraceEntry[]>
  /** The clock that the entries carry. */
  now(): Promise<number>
  close(): Promise<void>
}

/** Makes the table in a database of the test's. */
export async function openTrace(connectionString: string): Promise<Trace> {
  const pool = new Pool({ connectionString, max: 2 })
  pool.on('error', () => undefined)
  await pool.query(`create table trace (
    n bigint generated always as identity, handler text, event_id text, key text, attempt integer, pid integer,
    step text, reason text, at timestamptz default clock_timestamp()
  )`)

  return {
    connectionString,
    async entries() {
      const { rows } = await pool.query<TraceEntry>(`
        select handler, event_id as "eventId", key, attempt, pid, step, reason,
          extract(epoch from at)::float8 * 1000 as at
        from trace order by at, n`)
      return rows
    },
    async now() {
      const { rows } = await pool.query<{ at: number }>(
        'select extract(epoch from clock_timestamp())::float8 * 1000 as at',
      )
      return rows[0]?.at ?? Number.NaN
    },
    close: () => pool.end(),
  }
}

/** For the process that runs the handlers. */
export function traceWriter(connectionString: string): TraceWriter {
  const pool = new Pool({ connectionString, max: 8 })
  pool.on('error', () => undefined)
  return async ({ handler, eventId, key, attempt, step, reason }) => {
    await pool.query(
      'insert into trace (handler, event_id, key, attempt, pid, step, reason) values ($1, $2, $3, $4, $5, $6, $7)',
      [handler, eventId, key, attempt, process.pid, step, reason],
    )
  }
}
