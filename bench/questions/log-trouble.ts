/** Measures what trouble costs handlers that read the log: events that fail, and transactions of others that stay open. */
import { Pool, type Client } from 'pg'
import type { Contestant } from '../contestants/contestant.ts'
import {
  anEvent,
  logFailingLate,
  logFailingSoon,
  logWithKeys,
  ourDefault,
  publishingBus,
} from '../contestants/postbus.ts'
import { drainEntry, RATE, rateOf } from '../drain.ts'
import { evenLoad } from '../load.ts'
import { connected } from '../publishers/publisher.ts'
import type { Case, Entry, Extent, FigureOf, Figures, Question } from '../question.ts'
import { percentile } from '../statistics.ts'
import { steadily, Stopwatch } from '../stopwatch.ts'
import { withWorkers } from '../workers.ts'

const FAILURES = '200,000 on 5,000 keys, 1% fail twice'
const LIVE = 'live, 400 events/s'
const P50 = 'p50 ms'
const P99 = 'p99 ms'
const PER_SECOND = 400
const KEYS = 200
const WARM_UP_MS = 1_000

const JOBS = 'postbus, deliveries'
const LOG = 'postbus, the log'
const WITH_WRITER = 'postbus, the log, beside an open writer and rollbacks'

export const logTrouble: Question = {
  name: 'log-trouble',
  asks: 'what does trouble cost handlers that read the log?',
  rounds: 3,
  notes: [
    'Failures: in a backlog, one event in a hundred fails at its first two attempts. The wait between attempts is fixed. The rate counts until every event is done.',
    'Live: transactions with one event each on 8 connections, at a steady rate for ten seconds. Latency runs from right before the commit is sent to the start of the handler in another process.',
    'The open writer is a transaction of another program. It writes a row and publishes nothing, begins before the ten seconds, and stays open until they are over. Meanwhile, one publishing transaction in fifty is rolled back.',
  ],
  cases: casesOf,
  goals: [
    shareOf(logFailingSoon, 0.7),
    shareOf(logFailingLate, 0.4),
    ...[P50, P99].map((what) => ({
      says: `${LIVE}: ${what} of the log, in times of deliveries`,
      measured: (figure: FigureOf) => live(figure, LOG, what) / live(figure, JOBS, what),
      atMost: 1.2,
    })),
    {
      says: `${LIVE}: ${P99} beside an open writer and rollbacks`,
      measured: (figure) => live(figure, WITH_WRITER, P99),
      atMost: 50,
    },
  ],
}

function shareOf({ name }: Contestant, atLeast: number) {
  const of = (figure: FigureOf, contestant: string) => figure({ case: FAILURES, contestant, figure: RATE })
  return {
    says: `${name}: share of the rate without failures`,
    measured: (figure: FigureOf) => of(figure, name) / of(figure, logWithKeys.name),
    atLeast,
  }
}

function live(figure: FigureOf, contestant: string, what: string): number {
  return figure({ case: LIVE, contestant, figure: what })
}

function casesOf({ quick }: Extent): readonly Case[] {
  const load = evenLoad(quick ? 200 : 200_000, 5_000)
  const forMs = quick ? 300 : 10_000
  const failures = [logWithKeys, logFailingSoon, logFailingLate].map((contestant) =>
    drainEntry({ contestant, load, limitMs: 120_000, figures: rateOf }),
  )
  const liveEntries = [
    liveEntry(LOG, logWithKeys, forMs),
    liveEntry(JOBS, ourDefault, forMs),
    liveEntry(WITH_WRITER, logWithKeys, forMs),
  ]
  if (quick) return [{ name: LIVE, entries: [liveEntries[2]!] }]
  return [
    { name: FAILURES, entries: failures },
    { name: LIVE, entries: liveEntries },
  ]
}

function liveEntry(name: string, contestant: Contestant, forMs: number): Entry {
  return {
    contestant: name,
    configuration: `${contestant.configuration}; 1 worker process`,
    state: contestant.product,
    async prepare({ connectionString }) {
      await contestant.fill(connectionString, { keys: [] })
      const client = await connected(connectionString)
      await client.query('create table other (id bigint generated always as identity primary key)')
      await client.end()
    },
    async measure({ connectionString }) {
      if (name !== WITH_WRITER) return latencies({ connectionString, contestant, forMs, isRolledBack: () => false })
      const writer = await openWriter(connectionString)
      try {
        return await latencies({ connectionString, contestant, forMs, isRolledBack: (place) => place % 50 === 49 })
      } finally {
        await writer.end()
      }
    },
  }
}

async function openWriter(connectionString: string): Promise<Client> {
  const writer = await connected(connectionString)
  await writer.query('begin')
  await writer.query('insert into other default values')
  return writer
}

interface Live {
  readonly connectionString: string
  readonly contestant: Contestant
  readonly forMs: number
  isRolledBack(place: number): boolean
}

async function latencies({ connectionString, contestant, forMs, isRolledBack }: Live): Promise<Figures> {
  const bus = publishingBus(connectionString, 'with keys', contestant === logWithKeys)
  const pool = new Pool({ connectionString, max: 8 })
  pool.on('error', () => undefined) // an idle connection may be cut while it is being closed
  try {
    return await withWorkers(contestant, connectionString, 1, async (workers) => {
      workers.start('start, telling when each handler starts')
      const stopwatch = new Stopwatch(workers)
      const publishAt = async (place: number) => {
        const client = await pool.connect()
        try {
          await client.query('begin')
          await bus.publish(anEvent(`order-${place % KEYS}`, place, 'with keys'), { tx: client })
          if (isRolledBack(place)) return void (await client.query('rollback'))
          stopwatch.start(place)
          await client.query('commit')
        } finally {
          client.release()
        }
      }
      const warmUp = (WARM_UP_MS * PER_SECOND) / 1_000
      await steadily({ perSecond: PER_SECOND, forMs: WARM_UP_MS }, publishAt)
      await stopwatch.finish()
      const reached = await steadily({ perSecond: PER_SECOND, forMs }, (place) => publishAt(2 * warmUp + place))
      const taken = await stopwatch.finish()
      return { [P50]: percentile(taken, 50), [P99]: percentile(taken, 99), 'events/s': reached }
    })
  } finally {
    await pool.end()
    await bus.close()
  }
}
