/** Measures whether anything drifts while a worker runs for a long time at a steady rate: latency, the size of tables, memory. */
import { Client } from 'pg'
import { anEvent, steady, steadyBus } from '../contestants/postbus.ts'
import type { Bus } from '../../src/index.ts'
import type { BenchDatabase, Case, FigureOf, Figures, Question } from '../question.ts'
import { percentile } from '../statistics.ts'
import { steadily, Stopwatch } from '../stopwatch.ts'
import { withWorkers, type Workers } from '../workers.ts'

const CASE = '500 events/s, two handlers'
const PER_SECOND = 500
const HANDLERS = 2
const KEYS = 5_000
const P50 = 'p50 ms'
const P99 = 'p99 ms'
const RSS = 'MB of memory'
const BYTES = 'bytes per delivery'

export const soak: Question = {
  name: 'soak',
  asks: 'does anything drift while a worker runs for long?',
  rounds: 1,
  notes: [
    '60 s in six parts; with --full, ten minutes in ten parts. Half of the events have keys (5,000 of them); each has two handlers that do nothing, in one worker process; the publisher is another one, with at most 100 publishes under way.',
    'Latency runs from the call of publish, without a transaction of the caller’s, to the start of a handler.',
    'Nothing is pruned: events and the history of what is done stay, so tables grow all the time. Bytes per delivery is that growth, indexes and half an event included. Live and dead tuples are Postgres’s own estimates at the end of a part.',
  ],
  cases: ({ quick, full }) => [soakFor(quick ? { parts: 2, partMs: 400 } : partsOf(full))],
  goals: [P50, P99, RSS, BYTES].map((figure) => ({
    says: `last part, in times of the second: ${figure}`,
    measured: (value) => drift(value, figure),
    atMost: 1.5,
  })),
}

function partsOf(full: boolean): Parts {
  return full ? { parts: 10, partMs: 60_000 } : { parts: 6, partMs: 10_000 }
}

/** Compares the last part with the second: the first one includes the start (connections, plans, memory). */
function drift(value: FigureOf, figure: string): number {
  const of = (part: number) => value({ case: CASE, contestant: steady.name, figure: `part ${part}: ${figure}` })
  const last = Number.isNaN(of(10)) ? 6 : 10
  return of(last) / of(2)
}

interface Parts {
  readonly parts: number
  readonly partMs: number
}

function soakFor(span: Parts): Case {
  return {
    name: CASE,
    entries: [
      {
        contestant: steady.name,
        configuration: `${steady.configuration}; 1 worker process; bus.publish(event), pool of 5; ${span.parts} parts of ${span.partMs / 1_000} s`,
        state: 'migrated',
        prepare: ({ connectionString }) => steady.fill(connectionString, { keys: [] }),
        measure: (database) => measured(database, span),
      },
    ],
  }
}

async function measured({ connectionString }: BenchDatabase, span: Parts): Promise<Figures> {
  const bus = steadyBus(connectionString)
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return await withWorkers(steady, connectionString, 1, (workers) => inParts({ bus, client, workers }, span))
  } finally {
    await client.end()
    await bus.close()
  }
}

interface Setting {
  readonly bus: Bus
  readonly client: Client
  readonly workers: Workers
}

async function inParts({ bus, client, workers }: Setting, { parts, partMs }: Parts): Promise<Figures> {
  workers.start('start, telling when each handler starts')
  const stopwatch = new Stopwatch(workers, HANDLERS)
  const figures: Record<string, number> = {}
  let published = 0
  let before = await sizes(client)
  for (let part = 1; part <= parts; part += 1) {
    const start = published
    const perSecond = await steadily({ perSecond: PER_SECOND, forMs: partMs }, async (place) => {
      published += 1
      stopwatch.start(start + place)
      await bus.publish(anEvent(`order-${(start + place) % KEYS}`, start + place, 'of both kinds'))
    })
    const latencies = await stopwatch.finish()
    const after = await sizes(client)
    const deliveries = (published - start) * HANDLERS
    const found = {
      'events/s': perSecond,
      [P50]: percentile(latencies, 50),
      [P99]: percentile(latencies, 99),
      [RSS]: (await workers.cost()).rssBytes / 1_000_000,
      [BYTES]: (after.bytes - before.bytes) / deliveries,
      'MB in tables and indexes': after.bytes / 1_000_000,
      'live tuples': after.live,
      'dead tuples': after.dead,
    }
    for (const [name, value] of Object.entries(found)) figures[`part ${part}: ${name}`] = value
    before = after
  }
  return figures
}

async function sizes(client: Client): Promise<{ bytes: number; live: number; dead: number }> {
  const { rows } = await client.query<{ bytes: string; live: string; dead: string }>(
    `select sum(pg_total_relation_size(relid)) as bytes, sum(n_live_tup) as live, sum(n_dead_tup) as dead
     from pg_stat_user_tables where schemaname in ('postbus', 'pgboss')`,
  )
  return { bytes: Number(rows[0]?.bytes), live: Number(rows[0]?.live), dead: Number(rows[0]?.dead) }
}
