/** Measures whether a worker keeps up while an old snapshot is open in the server: of a report, or of a forgotten transaction. */
import { Client } from 'pg'
import { anEvent, logWithKeys, ourBest, plainBest, publishingBus } from '../contestants/postbus.ts'
import { once } from '../databases.ts'
import type { BenchDatabase, Case, Entry, FigureOf, Figures, Goal, Question } from '../question.ts'
import { percentile } from '../statistics.ts'
import { steadily, Stopwatch } from '../stopwatch.ts'
import { withWorkers, type Workers } from '../workers.ts'

const PLAIN = { name: 'without keys, 800 events/s', contestant: plainBest, perSecond: 800, fullMs: 600_000 } as const
/** The same at a rate that a small machine can publish and handle. */
const PLAIN_HALF = { ...PLAIN, name: 'without keys, 400 events/s', perSecond: 400 } as const
const KEYED = { name: '200 keys, 300 events/s', contestant: ourBest, perSecond: 300, fullMs: 180_000 } as const
const LOG = {
  name: 'read from the log, 800 events/s',
  contestant: logWithKeys,
  perSecond: 800,
  fullMs: 600_000,
} as const
const STREAMS = [PLAIN, PLAIN_HALF, KEYED, LOG] as const
type Stream = (typeof STREAMS)[number]

const KEYS = 200
const PARTS = 10
const FREE = 'postbus, nothing is open'
const PINNED = 'postbus, an old snapshot is open'

const SHARE = 'handled/s'
const CAUGHT_UP = 'caught up after ms'
const CLAIM = 'ms per claim, last tenth'

export const pinned: Question = {
  name: 'pinned',
  asks: 'does a worker keep up while an old snapshot is open?',
  rounds: 1,
  notes: [
    'A read-only transaction at the level repeatable read is opened before the first event and stays open to the end. 60 s; with --full ten minutes, but three minutes for deliveries with keys.',
    'One worker process, one publishing process with at most 100 publishes under way, each event with one handler that does nothing. Vacuum cannot remove anything that has finished meanwhile.',
    'The time of a claim is the time of the SQL function, as Postgres counts it (track_functions). Handlers of the log claim nothing, so they have no such time. Latency runs from the call of publish to the start of the handler.',
  ],
  cases: ({ quick, full }) =>
    (quick ? [KEYED] : STREAMS).map((stream) => caseOf(stream, quick ? 800 : full ? stream.fullMs : 60_000)),
  goals: STREAMS.flatMap((stream) => goalsOf(stream)),
}

function goalsOf(stream: Stream): readonly Goal[] {
  const { name } = stream
  const of = (figure: FigureOf, contestant: string, what: string) => figure({ case: name, contestant, figure: what })
  return [
    {
      says: `${name}: handled a second, share of the rate with nothing open`,
      measured: (figure) => of(figure, PINNED, SHARE) / of(figure, FREE, SHARE),
      atLeast: 0.95,
    },
    { says: `${name}: caught up after ms`, measured: (figure) => of(figure, PINNED, CAUGHT_UP), atMost: 30_000 },
    ...(stream.contestant === plainBest
      ? [
          {
            says: `${name}: time of a claim, in times of that with nothing open`,
            measured: (figure: FigureOf) => of(figure, PINNED, CLAIM) / of(figure, FREE, CLAIM),
            atMost: 2,
          },
        ]
      : []),
    ...(stream === KEYED
      ? [{ says: `${name}: ms per claim`, measured: (figure: FigureOf) => of(figure, PINNED, CLAIM), atMost: 22 }]
      : []),
  ]
}

function caseOf(stream: Stream, forMs: number): Case {
  return { name: stream.name, entries: [entryOf(stream, forMs, PINNED), entryOf(stream, forMs, FREE)] }
}

function entryOf(stream: Stream, forMs: number, contestant: string): Entry {
  return {
    contestant,
    configuration: `${stream.contestant.configuration}; 1 worker process; ${forMs / 1_000} s`,
    state: 'migrated',
    async prepare({ connectionString }) {
      await stream.contestant.fill(connectionString, { keys: [] })
      const { pathname } = new URL(connectionString)
      await once(connectionString, `alter database ${pathname.slice(1)} set track_functions = 'all'`)
    },
    async measure({ connectionString }) {
      const { pathname } = new URL(connectionString)
      await once(connectionString, `alter database ${pathname.slice(1)} set track_functions = 'all'`)
      const reader = await connected(connectionString)
      if (contestant === PINNED) {
        await reader.query('begin transaction isolation level repeatable read read only')
        await reader.query('select count(*) from postbus.event')
      }
      try {
        return await withWorkers(stream.contestant, connectionString, 1, (workers) =>
          streamed(stream, forMs, { connectionString }, workers),
        )
      } finally {
        await reader.end()
      }
    },
  }
}

async function streamed(
  { contestant, perSecond }: Stream,
  forMs: number,
  { connectionString }: BenchDatabase,
  workers: Workers,
): Promise<Figures> {
  const kind = contestant === plainBest ? 'without keys' : 'with keys'
  const bus = publishingBus(connectionString, kind, contestant === logWithKeys)
  const observer = await connected(connectionString)
  workers.start('start, telling when each handler starts')
  const stopwatch = new Stopwatch(workers)
  const latencies: number[] = []
  const claims: number[] = []
  let published = 0
  let handled = 0
  let before = await claimsSoFar(observer)
  const startedAt = performance.now()
  for (let part = 0; part < PARTS; part += 1) {
    const start = published
    await steadily({ perSecond, forMs: forMs / PARTS }, async (place) => {
      published += 1
      stopwatch.start(start + place)
      await bus.publish(anEvent(`order-${(start + place) % KEYS}`, start + place, kind))
    })
    const taken = stopwatch.takeLatencies()
    latencies.push(...taken)
    handled += taken.length
    const after = await claimsSoFar(observer)
    if (contestant !== logWithKeys && after.calls > before.calls)
      claims.push((after.ms - before.ms) / (after.calls - before.calls))
    before = after
  }
  const streamedMs = performance.now() - startedAt
  if (claims.length === 0 && contestant !== logWithKeys)
    throw new Error('No claim was counted. Does the pattern still match the names of the functions?')
  latencies.push(...(await stopwatch.finish()))
  const caughtUpMs = performance.now() - startedAt - streamedMs
  await observer.end()
  await bus.close()
  return {
    'published/s': (1_000 * published) / streamedMs,
    [SHARE]: (1_000 * handled) / streamedMs,
    'p50 ms': percentile(latencies, 50),
    'p99 ms': percentile(latencies, 99),
    ...(claims[0] !== undefined && { 'ms per claim, first tenth': claims[0], [CLAIM]: claims.at(-1) ?? claims[0] }),
    [CAUGHT_UP]: caughtUpMs,
  }
}

async function claimsSoFar(client: Client): Promise<{ calls: number; ms: number }> {
  const { rows } = await client.query<{ calls: string; ms: number }>(
    `select coalesce(sum(calls), 0) as calls, coalesce(sum(total_time), 0) as ms
    from pg_stat_user_functions where schemaname = 'postbus' and funcname ~ '^claim_(lanes_)?\\d+$'`,
  )
  return { calls: Number(rows[0]?.calls), ms: Number(rows[0]?.ms) }
}

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString })
  await client.connect()
  return client
}
