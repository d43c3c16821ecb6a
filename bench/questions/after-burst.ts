/** Measures the drain of a queue that was filled faster than Postgres gathers statistics, compared with one that was analyzed. */
import { Client } from 'pg'
import { ourBest, plainBest } from '../contestants/postbus.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { once } from '../databases.ts'
import { RATE, rateOf, watchDrain, type Drain } from '../drain.ts'
import { evenLoad, type Load } from '../load.ts'
import type { Case, Entry, Extent, Goal, Question } from '../question.ts'

const STATISTICS = ['analyzed after it was filled', 'never analyzed', 'analyzed while it was empty'] as const
type Statistics = (typeof STATISTICS)[number]

const QUEUES = { plain: plainBest, partitioned: ourBest } as const
type Queue = keyof typeof QUEUES

const BELIEVED = 'rows the planner believes in, at the end'

export const afterBurst: Question = {
  name: 'after-burst',
  asks: 'what does a burst cost that comes faster than statistics?',
  rounds: 2,
  notes: [
    '100,000 events are published in lists of 1,000 and then worked off by one process. The partitioned queue has 5,000 keys.',
    'Autovacuum is on, and may gather statistics during a run: the planner’s own idea of the table’s rows is read at the end (-1: it never had any).',
  ],
  chart: [RATE],
  cases: casesOf,
  goals: (['plain', 'partitioned'] as const).flatMap((queue): readonly Goal[] =>
    STATISTICS.slice(1).map((statistics) => ({
      says: `${queue} queue, ${statistics}: share of the normal rate`,
      measured: (figure) => {
        const rate = (contestant: string) => figure({ case: caseName(queue), contestant, figure: RATE })
        return rate(entryName(statistics)) / rate(entryName(STATISTICS[0]))
      },
      atLeast: 0.8,
    })),
  ),
}

function caseName(queue: Queue): string {
  return `${queue} queue, 100,000 waiting`
}

function entryName(statistics: Statistics): string {
  return `postbus, ${statistics}`
}

function casesOf({ quick }: Extent): readonly Case[] {
  const load = evenLoad(quick ? 200 : 100_000, 5_000)
  const queues: readonly Queue[] = quick ? ['plain'] : ['plain', 'partitioned']
  const statistics = quick ? STATISTICS.slice(0, 2) : STATISTICS
  return queues.map((queue) => ({
    name: caseName(queue),
    entries: statistics.map((one) => burst(QUEUES[queue], load, one)),
  }))
}

function burst(contestant: Contestant, load: Load, statistics: Statistics): Entry {
  const drain: Drain = { contestant, load, limitMs: 300_000, figures: rateOf }
  return {
    contestant: entryName(statistics),
    configuration: `${contestant.configuration}; 1 worker process`,
    state: statistics,
    statistics: statistics === STATISTICS[0] ? 'fresh' : 'as prepared',
    async prepare({ connectionString }) {
      await contestant.fill(connectionString, { keys: [] })
      if (statistics === 'analyzed while it was empty') await once(connectionString, 'analyze')
      await contestant.fill(connectionString, load)
    },
    async measure({ connectionString }) {
      const figures = rateOf(await watchDrain(drain, connectionString))
      return { ...figures, [BELIEVED]: await believedRows(connectionString) }
    },
  }
}

/** The row count that Postgres assumes for the largest table of deliveries, which is the queue's. */
async function believedRows(connectionString: string): Promise<number> {
  const client = new Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ reltuples: number }>(
    `select reltuples from pg_class where relnamespace = 'pgboss'::regnamespace and relkind = 'r'
     order by pg_relation_size(oid) desc limit 1`,
  )
  await client.end()
  return rows[0]?.reltuples ?? -1
}
